package client_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/client"
)

// answer is what a client sees of a response that no middleware may change.
type answer struct {
	Status  int
	Header  http.Header
	Body    string
	Hints   int // informational responses before it
	Trailer http.Header
}

func fetch(t *testing.T, server *httptest.Server, method, path string, header http.Header) answer {
	t.Helper()
	hints := 0
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil },
	})
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, ours := range []string{"Date", "Set-Cookie", "Vary", "Cache-Control"} {
		resp.Header.Del(ours)
	}
	return answer{resp.StatusCode, resp.Header, string(body), hints, resp.Trailer}
}

// Every sort of response arrives as it does without the middleware, whether or not it has a session to commit.
func TestResponsesStayTheSame(t *testing.T) {
	long := bytes.Repeat([]byte("0123456789abcdef"), 64<<10) // 1 MiB
	file := filepath.Join(t.TempDir(), "long.txt")
	if err := os.WriteFile(file, long, 0o600); err != nil {
		t.Fatal(err)
	}
	modified := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	mux := http.NewServeMux()
	mux.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		http.ServeContent(w, r, "short.txt", modified, strings.NewReader("a short file"))
	})
	mux.HandleFunc("/write", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>page") })
	mux.HandleFunc("/writes", func(w http.ResponseWriter, _ *http.Request) {
		for part := range slices.Chunk(long, 1000) {
			_, _ = w.Write(part)
		}
	})
	mux.HandleFunc("/copy", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "before,")
		n, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(long)})
		fmt.Fprintf(w, ",%d,%v", n, err)
	})
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		if _, err := w.Write([]byte("x")); err != http.ErrBodyNotAllowed {
			t.Errorf("Write after 204 = %v, want ErrBodyNotAllowed", err)
		}
	})
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "done")
	})
	mux.HandleFunc("/trailer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body")
		w.(http.Flusher).Flush()
		w.Header().Set("X-Sum", "42")
	})
	m := manager(t, client.ManagerConfig{Store: newSpyStore()})
	using := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		must(t, client.Set(client.FromContext(r.Context()), "n", 1))
		mux.ServeHTTP(w, r)
	})
	plain, wrapped, used := httptest.NewServer(mux), httptest.NewServer(m.Wrap(mux)), httptest.NewServer(m.Wrap(using))
	defer plain.Close()
	defer wrapped.Close()
	defer used.Close()

	for _, test := range []struct {
		method, path string
		header       http.Header
		status       int
	}{
		{"GET", "/file", nil, 200},
		{"HEAD", "/file", nil, 200},
		{"GET", "/file", http.Header{"Range": {"bytes=100000-300000"}}, 206},
		{"GET", "/file", http.Header{"Range": {"bytes=2000000-"}}, 416},
		{"GET", "/short", nil, 200},
		{"GET", "/short", http.Header{"If-None-Match": {`"v1"`}}, 304},
		{"HEAD", "/short", http.Header{"If-Modified-Since": {"Fri, 02 Jan 2026 03:04:05 GMT"}}, 304},
		{"GET", "/short", http.Header{"Range": {"bytes=2-6"}}, 206},
		{"GET", "/write", nil, 200},
		{"HEAD", "/write", nil, 200},
		{"GET", "/writes", nil, 200},
		{"GET", "/copy", nil, 200},
		{"GET", "/none", nil, 204},
		{"GET", "/hints", nil, 202},
		{"GET", "/trailer", nil, 200},
	} {
		t.Run(fmt.Sprint(test.method, test.path, test.header), func(t *testing.T) {
			want := fetch(t, plain, test.method, test.path, test.header)
			if want.Status != test.status {
				t.Errorf("status %d, want %d", want.Status, test.status)
			}
			for _, server := range []*httptest.Server{wrapped, used} {
				if diff := cmp.Diff(want, fetch(t, server, test.method, test.path, test.header)); diff != "" {
					t.Errorf("behind the middleware:\n%.2000s", diff)
				}
			}
		})
	}
}

// filer is a server's ResponseWriter that can send files by itself.
type filer struct {
	*httptest.ResponseRecorder
	sent int64
}

func (f *filer) ReadFrom(r io.Reader) (n int64, err error) {
	n, err = f.Body.ReadFrom(r)
	f.sent += n
	return n, err
}

func TestLongFilesAreSentByTheServer(t *testing.T) {
	m := manager(t, client.ManagerConfig{Store: newSpyStore(), BufferBytesMax: 1000})
	for length, sent := range map[int64]int64{999: 0, 1001: 1, 5000: 4000} {
		w := &filer{ResponseRecorder: httptest.NewRecorder()}
		m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n, err := io.CopyN(w, strings.NewReader(strings.Repeat("x", 9000)), length); n != length || err != nil {
				t.Errorf("copied %d, %v", n, err)
			}
			err := client.Set(client.FromContext(r.Context()), "n", 1)
			if started := errors.Is(err, client.ErrResponseStarted); started != (sent > 0) {
				t.Errorf("Set after %d bytes = %v", length, err)
			}
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.sent != sent || int64(w.Body.Len()) != length {
			t.Errorf("of %d bytes the server sent %d, want %d", w.Body.Len(), w.sent, sent)
		}
	}
}

func TestServerSentEvents(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprint("http2 ", http2), func(t *testing.T) {
			store := newSpyStore()
			m := manager(t, client.ManagerConfig{Store: store})
			next, saved := make(chan bool), make(chan bool)
			server := httptest.NewUnstartedServer(m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := client.FromContext(r.Context())
				must(t, client.Set(s, "first", true))
				w.Header().Set("Content-Type", "text/event-stream")
				rc := http.NewResponseController(w)
				must(t, rc.SetWriteDeadline(time.Now().Add(time.Minute)))
				for i := range 3 {
					fmt.Fprintf(w, "data: %d\n\n", i)
					must(t, rc.Flush())
					select {
					case <-next: // the visitor has it
					case <-r.Context().Done():
						return
					}
					must(t, client.Set(s, "seen", i))
					if i == 1 {
						copies, err := s.Commit(r.Context())
						if saved <- true; copies != 1 || err != nil {
							t.Errorf("Commit = %d, %v", copies, err)
						}
					}
				}
			})))
			server.EnableHTTP2 = http2
			server.StartTLS()
			defer server.Close()
			server.Client().Timeout = 10 * time.Second
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if len(resp.Cookies()) != 1 {
				t.Fatalf("cookies = %v", resp.Cookies())
			}
			id := resp.Cookies()[0].Value
			lines := bufio.NewScanner(resp.Body)
			for i := range 3 {
				lines.Scan()
				if lines.Text() != fmt.Sprint("data: ", i) || store.attr(t, id, "first") != "true" {
					t.Errorf("event %d: %q", i, lines.Text())
				}
				lines.Scan()
				next <- true
				if i == 1 {
					<-saved
					if got := store.attr(t, id, "seen"); got != "1" {
						t.Errorf("seen = %s while events are sent", got)
					}
				}
			}
			if lines.Scan() || store.attr(t, id, "seen") != "2" {
				t.Errorf("seen = %s after the last event, want what was set since", store.attr(t, id, "seen"))
			}
		})
	}
}

// upgrade answers a WebSocket handshake by hand, with the cookie, and hands over the connection.
func upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter, error) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "websocket")
	w.Header().Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	w.WriteHeader(http.StatusSwitchingProtocols)
	return http.NewResponseController(w).Hijack()
}

// upgradeRaw is the same for those who write the response themselves.
func upgradeRaw(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return nil, nil, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: %s\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	_ = w.Header().Write(rw) // the cookie is in it
	fmt.Fprint(rw, "\r\n")
	return conn, rw, rw.Flush()
}

func TestWebSocket(t *testing.T) {
	for name, upgrade := range map[string]func(http.ResponseWriter, *http.Request) (net.Conn, *bufio.ReadWriter, error){
		"status, then hijack": upgrade, "hijack": upgradeRaw,
	} {
		t.Run(name, func(t *testing.T) {
			store := newSpyStore()
			m := manager(t, client.ManagerConfig{Store: store})
			done := make(chan struct{})
			wrapped := m.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := client.FromContext(r.Context())
				must(t, client.Set(s, "connected", true))
				conn, rw, err := upgrade(w, r)
				if err != nil {
					t.Errorf("upgrade: %v", err)
					return
				}
				defer func() { _ = conn.Close() }()
				text := readFrame(t, rw.Reader)
				must(t, client.Set(s, "heard", text))
				_, err = s.Commit(r.Context())
				must(t, err)
				_, _ = rw.Write(append([]byte{0x81, byte(len(text))}, text...)) // one unmasked text frame
				must(t, rw.Flush())
				readFrame(t, rw.Reader)
				must(t, client.Set(s, "closed", true))
			}))
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(done)
				wrapped.ServeHTTP(w, r)
			}))
			defer server.Close()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			must(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			in := bufio.NewReader(conn)
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || len(resp.Cookies()) != 1 {
				t.Fatalf("handshake = %d %v", resp.StatusCode, resp.Header)
			}
			id := resp.Cookies()[0].Value
			hello := []byte{0x81, 0x85, 1, 2, 3, 4, 'h' ^ 1, 'e' ^ 2, 'l' ^ 3, 'l' ^ 4, 'o' ^ 1}
			_, _ = conn.Write(hello)
			echo := make([]byte, 7)
			if _, err := io.ReadFull(in, echo); err != nil || string(echo[2:]) != "hello" {
				t.Errorf("echo = %q, %v", echo, err)
			}
			if got := store.attr(t, id, "connected") + store.attr(t, id, "heard"); got != `true"hello"` {
				t.Errorf("stored while the socket is open: %s", got)
			}
			_, _ = conn.Write(hello)
			<-done
			if got := store.attr(t, id, "closed"); got != "true" {
				t.Errorf("closed = %q, want what was set on the socket committed at the end", got)
			}
		})
	}
}

// readFrame reads a short masked text frame.
func readFrame(t *testing.T, r io.Reader) string {
	t.Helper()
	head := make([]byte, 6)
	if _, err := io.ReadFull(r, head); err != nil || head[0] != 0x81 {
		t.Errorf("frame %x: %v", head, err)
		return ""
	}
	text := make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(r, text); err != nil {
		t.Errorf("frame: %v", err)
	}
	for i := range text {
		text[i] ^= head[2+i%4]
	}
	return string(text)
}

// A server that cannot hijack says so, and the handler answers otherwise; nothing of the session is lost.
func TestHijackNotSupported(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		must(t, client.Set(s, "n", 1))
		if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
			t.Error("Hijack worked")
		}
		http.Error(w, "no sockets here", http.StatusNotImplemented)
	})
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusNotImplemented || !strings.Contains(string(body), "sockets") {
		t.Errorf("response = %d %q", resp.StatusCode, body)
	}
	if store.attr(t, b.id(), "n") != "1" {
		t.Error("the session is lost")
	}
}

// What a handler wants of the session after the response has started: done at the end, or refused where the browser
// would have to learn of it.
func TestAfterTheFirstByte(t *testing.T) {
	store := newSpyStore()
	m := manager(t, client.ManagerConfig{Store: store})
	var b browser
	id := b.begin(t, m, "n", 1)
	b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		w.(http.Flusher).Flush()
		must(t, client.Set(s, "n", 2))
		must(t, client.Flash(s, "hello"))
		must(t, s.Update(context.Background(), func() error { return increment(s, "n") }))
		must(t, client.SetPrincipal(s, "ada"))
	})
	if got := store.attr(t, id, "n") + store.attr(t, id, client.AttrPrincipal); got != "3ada" {
		t.Errorf("stored n and principal = %s", got)
	}
	resp := b.visit(m.Wrap, func(w http.ResponseWriter, s *client.Session) {
		w.(http.Flusher).Flush()
		must(t, s.Destroy())
		if err := client.Set(s, "n", 4); err == nil {
			t.Error("a new session began behind the browser's back")
		}
	})
	if store.stored(t, id) != nil || len(resp.Cookies()) != 0 {
		t.Errorf("the session lives, or cookies %v", resp.Cookies())
	}
}
