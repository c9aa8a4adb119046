package admin_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/admin"
)

// told is a node that tells what it was given.
type told struct {
	source
	mu     sync.Mutex
	parts  map[string]json.RawMessage
	events []json.RawMessage
	wakers map[chan struct{}]bool
}

func newTold() *told {
	return &told{parts: map[string]json.RawMessage{"status": json.RawMessage(`{"node":"n1"}`)}, wakers: map[chan struct{}]bool{}}
}

func (n *told) Console() map[string]json.RawMessage {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parts
}

func (n *told) Happened(after uint64) ([]json.RawMessage, uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if after > uint64(len(n.events)) {
		return nil, after
	}
	return n.events[after:], uint64(len(n.events))
}

func (n *told) Wake() (<-chan struct{}, func(), error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := make(chan struct{}, 1)
	n.wakers[w] = true
	return w, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.wakers, w)
	}, nil
}

// following is how many wait for what happens.
func (n *told) following() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.wakers)
}

func (n *told) happen(event string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, json.RawMessage(event))
	for w := range n.wakers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Every file of the page is answered with its type, under a policy that lets it load nothing from elsewhere.
func TestPage(t *testing.T) {
	handler := admin.Handler(newTold(), admin.Config{})
	for path, kind := range map[string]string{
		"/": "text/html", "/console.css": "text/css", "/console.js": "text/javascript", "/ring.js": "text/javascript",
		"/charts.js": "text/javascript", "/draw.js": "text/javascript", "/icon.svg": "image/svg+xml", "/status.json": "application/json",
	} {
		w := askAs(handler, "localhost:7946", path)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %q", path, w.Code, w.Header().Get("Content-Type"))
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';", "X-Content-Type-Options": "nosniff",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		} {
			if got := w.Header().Get(name); !strings.HasPrefix(got, want) || strings.Contains(got, "unsafe") {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if body := w.Body.String(); kind != "image/svg+xml" && regexp.MustCompile(`https?://`).MatchString(strings.ReplaceAll(body, "http://www.w3.org/2000/svg", "")) {
			t.Errorf("%s names another site", path)
		}
	}
	for _, path := range []string{"/page/index.html", "/nothing.js"} {
		if w := askAs(handler, "localhost", path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func askAs(h http.Handler, host, path string) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
	r.Host = host
	h.ServeHTTP(w, r)
	return w
}

// A site whose name was made to point here reads nothing.
func TestPageRefusesOtherNames(t *testing.T) {
	handler := admin.Handler(newTold(), admin.Config{})
	for host, want := range map[string]int{
		"127.0.0.1:7946": 200, "[::1]:7946": 200, "::1": 200, "[::1]": 200, "localhost": 200, "evil.example:7946": 421, "localhost.evil.example": 421, "": 421,
	} {
		for _, path := range []string{"/", "/status.json"} {
			if w := askAs(handler, host, path); w.Code != want {
				t.Errorf("host %q: %s: %d, want %d", host, path, w.Code, want)
			}
		}
		if w := askAs(handler, host, "/readyz"); w.Code != 200 {
			t.Errorf("host %q: readyz: %d", host, w.Code)
		}
	}
	if w := askAs(handler, "evil.example", "/events"); w.Code != 421 {
		t.Errorf("events: %d", w.Code)
	}
	behindTLS := admin.Handler(newTold(), admin.Config{TLS: &tls.Config{MinVersion: tls.VersionTLS13}})
	if w := askAs(behindTLS, "node-1.example.org", "/"); w.Code != 200 {
		t.Errorf("by its name, with certificates: %d", w.Code)
	}
}

func TestStatusJSON(t *testing.T) {
	n := newTold()
	n.happen(`{"what":"member down"}`)
	var got map[string]any
	if err := json.Unmarshal(askAs(admin.Handler(n, admin.Config{}), "localhost", "/status.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"status": map[string]any{"node": "n1"}, "events": []any{map[string]any{"what": "member down"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// events opens a stream, after the one of that id. The test's end closes it.
func events(t *testing.T, addr, after string) (*http.Response, *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Last-Event-ID", after)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp, bufio.NewReader(resp.Body)
}

// message reads the next one that says something.
func message(t *testing.T, r *bufio.Reader) (lines []string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "" && len(lines) > 0:
			return lines
		case line != "" && line != ":":
			lines = append(lines, line)
		}
	}
}

// A stream tells what there is, then only what changed, and what happens as it does; who comes back goes on where they were.
func TestEvents(t *testing.T) {
	n := newTold()
	n.happen(`{"what":"first"}`)
	addr, stop := serve(t, n)
	resp, r := events(t, addr, "")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("content type %q", got)
	}
	if got := message(t, r); !cmp.Equal(got, []string{"event: status", `data: {"node":"n1"}`}) {
		t.Errorf("first came %q", got)
	}
	if got := message(t, r); len(got) != 3 || got[2] != `data: {"what":"first"}` {
		t.Errorf("then %q", got)
	}
	n.happen(`{"what":"second"}`)
	got := message(t, r)
	if len(got) != 3 || got[1] != "event: happened" || got[2] != `data: {"what":"second"}` {
		t.Fatalf("what was the same came again: %q", got)
	}
	id := strings.TrimPrefix(got[0], "id: ")
	n.happen(`{"what":"third"}`)
	_, again := events(t, addr, id)
	message(t, again)
	if got := message(t, again); got[len(got)-1] != `data: {"what":"third"}` {
		t.Errorf("who comes back is told %q", got)
	}
	_, other := events(t, addr, "another-run.2")
	message(t, other)
	if got := message(t, other); got[len(got)-1] != `data: {"what":"first"}` {
		t.Errorf("who had another run's is told %q", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Sixteen streams are open at most, and one that ends makes room.
func TestEventsAreBounded(t *testing.T) {
	n := newTold()
	addr, stop := serve(t, n)
	defer stop()
	for range 16 {
		if resp, r := events(t, addr, ""); resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		} else {
			message(t, r)
		}
	}
	resp, body := events(t, addr, "")
	if resp.StatusCode == 200 {
		t.Fatal("one more is open")
	}
	text, _ := io.ReadAll(body)
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(text), "close another page") {
		t.Errorf("one more: %s %s", resp.Status, text)
	}
	if n.following() != 16 {
		t.Errorf("%d follow", n.following())
	}
}

// A stream lasts for as long as it is read, however long a request may take; a reader that stops reading is dropped after five
// seconds, and what it held is given back.
func TestSlowReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTold()
		client, server := net.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		l := &single{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conn <- server
		go func() { done <- admin.Serve(ctx, l, n, admin.Config{}, slog.New(slog.DiscardHandler)) }()
		if _, err := fmt.Fprint(client, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(client)
		for start := time.Now(); time.Since(start) < 20*time.Second; {
			if _, err := r.ReadString('\n'); err != nil {
				t.Fatalf("after %v: %v", time.Since(start), err)
			}
		}
		if n.following() != 1 {
			t.Errorf("%d follow", n.following())
		}
		n.happen(`"` + strings.Repeat("x", 1<<20) + `"`)
		time.Sleep(7 * time.Second)
		if n.following() != 0 {
			t.Error("who does not read is still followed")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		_ = client.Close()
	})
}

// single is a listener of one connection.
type single struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *single) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *single) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *single) Addr() net.Addr { return &net.TCPAddr{} }
