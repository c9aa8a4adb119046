package admin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sessnode/sessnode/admin"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a node that is as ready as its reason says; ready when that is empty.
type source string

func (s source) Ready() (bool, string) { return s == "", string(s) }

// stuck never answers before it is let go.
type stuck chan struct{}

func (s stuck) Ready() (bool, string) {
	<-s
	return true, ""
}

func TestHandler(t *testing.T) {
	for _, c := range []struct {
		method, path string
		node         admin.Source
		code         int
		body         string
	}{
		{"GET", "/readyz", source(""), 200, "ready\n"},
		{"GET", "/readyz", source("is draining"), 503, "not ready: is draining\n"},
		{"HEAD", "/readyz", source("is draining"), 503, "not ready: is draining\n"},
		{"GET", "/livez", source("is draining"), 200, "alive\n"},
		{"POST", "/readyz", source(""), 405, "Method Not Allowed\n"},
		{"GET", "/", source(""), 404, "404 page not found\n"},
		{"GET", "/debug/pprof/", source(""), 404, "404 page not found\n"},
	} {
		w := httptest.NewRecorder()
		admin.Handler(c.node, admin.Config{}).ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || w.Body.String() != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, w.Code, w.Body, c.code, c.body)
		}
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
			t.Errorf("%s %s: content type %q", c.method, c.path, got)
		}
	}
}

// Further pages are answered beside those, and only read.
func TestPages(t *testing.T) {
	page := admin.Page{Path: "/metrics", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "figures") })}
	for method, want := range map[string]string{"GET": "figures", "POST": "Method Not Allowed\n"} {
		w := httptest.NewRecorder()
		admin.Handler(source(""), admin.Config{Pages: []admin.Page{page}}).ServeHTTP(w, httptest.NewRequest(method, "/metrics", nil))
		if w.Body.String() != want {
			t.Errorf("%s: %d %q", method, w.Code, w.Body)
		}
	}
}

// A node whose lock is stuck is not alive.
func TestStuckNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := make(stuck)
		for _, path := range []string{"/livez", "/readyz"} {
			w := httptest.NewRecorder()
			start := time.Now()
			admin.Handler(node, admin.Config{}).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if took := time.Since(start); w.Code != 503 || took != 2*time.Second {
				t.Errorf("%s: %d %q after %v", path, w.Code, w.Body, took)
			}
		}
		close(node)
	})
}

func TestListenRefuses(t *testing.T) {
	taken, err := admin.Listen("127.0.0.1:0", admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		addr string
		want error
		text string
	}{
		{"0.0.0.0:0", admin.ErrAddress, "choose 127.0.0.1 or unix:/path"},
		{":7946", admin.ErrAddress, "choose 127.0.0.1 or unix:/path"},
		{"10.0.0.1:7946", admin.ErrAddress, "could be reached"},
		{"example.org:7946", admin.ErrAddress, "could be reached"},
		{"nowhere", admin.ErrAddress, "write host:port"},
		{"unix:", admin.ErrAddress, "no path"},
		{admin.Describe(taken), admin.ErrTaken, "taken"},
	} {
		l, err := admin.Listen(c.addr, admin.Config{})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %q", c.addr, err, c.want, c.text)
		}
		if l != nil {
			_ = l.Close()
		}
	}
}

// A socket is the user's own, and one that a killed process left behind is no hindrance; a living one, or a file, is.
func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := admin.Listen("unix:"+path, admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := admin.Describe(l); got != "unix:"+path {
		t.Errorf("address is %s", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket is %v, %v", info, err)
	}
	if _, err := admin.Listen("unix:"+path, admin.Config{}); !errors.Is(err, admin.ErrTaken) {
		t.Errorf("a living socket: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
	again, err := admin.Listen("unix:"+path, admin.Config{})
	if err != nil {
		t.Fatalf("an abandoned socket: %v", err)
	}
	_ = again.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Listen("unix:"+path, admin.Config{}); !errors.Is(err, admin.ErrTaken) {
		t.Errorf("a file: %v", err)
	}
}

// serve answers for a node until the function returned is called.
func serve(t *testing.T, node admin.Source) (addr string, stop func() error) {
	t.Helper()
	l, err := admin.Listen("127.0.0.1:0", admin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- admin.Serve(ctx, l, node, admin.Config{}, slog.New(slog.DiscardHandler)) }()
	return l.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

func TestServe(t *testing.T) {
	addr, stop := serve(t, source("joining"))
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + addr + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != 503 || string(body) != "not ready: joining\n" {
		t.Errorf("%s %q", resp.Status, body)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := client.Get("http://" + addr + "/readyz"); err == nil {
		t.Error("it answers after its end")
	}
}

// Sixty-four connections are answered, the next waits for one of them to end; and the end does not wait for any.
func TestServeBoundsConnections(t *testing.T) {
	addr, stop := serve(t, source(""))
	var conns []net.Conn
	for i := range 64 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		if err := ask(conn, 5*time.Second); err != nil {
			t.Fatalf("connection %d: %v", i+1, err)
		}
	}
	last, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	if err := ask(last, 100*time.Millisecond); err == nil {
		t.Error("the connection beyond the limit was answered")
	}
	_ = conns[0].Close()
	if err := await(last, 5*time.Second); err != nil {
		t.Errorf("when there was room: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func ask(conn net.Conn, within time.Duration) error {
	if _, err := fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	return await(conn, within)
}

func await(conn net.Conn, within time.Duration) error {
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	_, err := bufio.NewReader(conn).ReadString('\n')
	return err
}
