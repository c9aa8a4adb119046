package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// witness is a ResponseWriter that notes whether the store had the commit when the first byte came.
type witness struct {
	*httptest.ResponseRecorder
	store *memStore
	early bool // bytes came before the commit
}

func (w *witness) look() {
	if _, commits := w.store.seen(); commits == 0 {
		w.early = true
	}
}

func (w *witness) WriteHeader(status int)      { w.look(); w.ResponseRecorder.WriteHeader(status) }
func (w *witness) Write(p []byte) (int, error) { w.look(); return w.ResponseRecorder.Write(p) }
func (w *witness) Flush()                      { w.look(); w.ResponseRecorder.Flush() }

func TestCommitBeforeFirstByte(t *testing.T) {
	long := strings.Repeat("x", bufferBytesMaxDefault+1)
	for _, test := range []struct {
		name    string
		handler func(w http.ResponseWriter)
		during  int // commits when the handler returns
		body    string
	}{
		{"short response", func(w http.ResponseWriter) { fmt.Fprint(w, "page") }, 0, "page"},
		{"no body", func(w http.ResponseWriter) { w.WriteHeader(200) }, 0, ""},
		{"nothing at all", func(http.ResponseWriter) {}, 0, ""},
		{"flush", func(w http.ResponseWriter) { fmt.Fprint(w, "page"); w.(http.Flusher).Flush() }, 1, "page"},
		{"flush by controller", func(w http.ResponseWriter) {
			fmt.Fprint(w, "page")
			must(t, http.NewResponseController(w).Flush())
		}, 1, "page"},
		{"one long write", func(w http.ResponseWriter) { fmt.Fprint(w, long) }, 1, long},
		{"many short writes", func(w http.ResponseWriter) {
			for range len(long) {
				_, _ = io.WriteString(w, "x")
			}
		}, 1, long},
		{"as long as the buffer", func(w http.ResponseWriter) { fmt.Fprint(w, long[1:]) }, 0, long[1:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			store := newMemStore()
			w := &witness{ResponseRecorder: httptest.NewRecorder(), store: store}
			quiet(t, store).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				must(t, Set(FromContext(r.Context()), "items", 1))
				test.handler(w)
				if _, commits := store.seen(); commits != test.during {
					t.Errorf("%d commits while the handler ran, want %d", commits, test.during)
				}
			})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if w.early {
				t.Error("a byte left before the commit")
			}
			if w.Body.String() != test.body || w.Code != 200 {
				t.Errorf("response = %d, %d bytes, want 200, %d bytes", w.Code, w.Body.Len(), len(test.body))
			}
			if _, commits := store.seen(); commits != 1 || len(w.Result().Cookies()) != 1 {
				t.Errorf("%d commits, cookies %v", commits, w.Result().Cookies())
			}
		})
	}
}

func TestChangesAfterFirstByte(t *testing.T) {
	var log bytes.Buffer
	store := newMemStore()
	m := build(t, ManagerConfig{Store: store, Log: slog.New(slog.NewTextHandler(&log, nil))})
	handler := func(w http.ResponseWriter, r *http.Request) {
		s := FromContext(r.Context())
		must(t, Set(s, "a", 1))
		w.(http.Flusher).Flush()
		must(t, Set(s, "b", 2))
		if a, _ := Get[int](s, "a"); a != 1 {
			t.Errorf("a = %d after the commit, want 1", a)
		}
		fmt.Fprint(w, "rest")
	}
	id := newID(t, serve(m, "", handler))
	if a, b := store.attr(id, "a"), store.attr(id, "b"); a != "1" || b != "2" || len(store.commits) != 2 {
		t.Errorf("a = %s, b = %s after %d commits", a, b, len(store.commits))
	}
	if len(store.commits[1].Changes) != 1 {
		t.Errorf("second commit carries %v, want b alone", store.commits[1].Changes)
	}

	store.fail = func(_ *replica.Load, c *replica.Commit) error {
		return errIf(c != nil && c.Changes[0].Name == "b", replica.ErrUnavailable)
	}
	store.sessions = make(map[replica.Key]*replica.Session)
	if w := serve(m, "", handler); w.Code != 200 || w.Body.String() != "rest" {
		t.Errorf("response = %d %q; it had left already", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "is not saved") {
		t.Errorf("log = %q, want the failure", log.String())
	}
}

func TestNoNewSessionAfterFirstByte(t *testing.T) {
	store := newMemStore()
	serve(quiet(t, store), "", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		if err := Set(FromContext(r.Context()), "a", 1); !errors.Is(err, ErrResponseStarted) {
			t.Errorf("Set = %v, want ErrResponseStarted", err)
		}
	})
	if _, commits := store.seen(); commits != 0 {
		t.Errorf("%d commits, want none", commits)
	}
}

func TestUseAfterRequest(t *testing.T) {
	store := newMemStore()
	var s *Session
	serve(quiet(t, store), store.put(t, "a", "1"), func(_ http.ResponseWriter, r *http.Request) {
		s = FromContext(r.Context())
		_, _ = Get[int](s, "a")
	})
	for _, err := range []error{Set(s, "a", 2), Delete(s, "a"), s.Destroy()} {
		if !errors.Is(err, ErrResponseStarted) {
			t.Errorf("got %v, want ErrResponseStarted: nobody would commit it", err)
		}
	}
}

func TestFailedCommitDropsResponse(t *testing.T) {
	for name, handler := range map[string]func(w http.ResponseWriter){
		"short": func(w http.ResponseWriter) { fmt.Fprint(w, "secret") },
		"flush": func(w http.ResponseWriter) {
			fmt.Fprint(w, "secret")
			if err := http.NewResponseController(w).Flush(); !errors.Is(err, replica.ErrUnavailable) {
				t.Errorf("Flush = %v, want the commit's error", err)
			}
			if _, err := fmt.Fprint(w, "more"); !errors.Is(err, replica.ErrUnavailable) {
				t.Errorf("Write = %v, want the commit's error", err)
			}
			w.WriteHeader(200)
		},
		"long": func(w http.ResponseWriter) { fmt.Fprint(w, strings.Repeat("secret", bufferBytesMaxDefault)) },
		"hijack": func(w http.ResponseWriter) {
			if _, _, err := http.NewResponseController(w).Hijack(); !errors.Is(err, replica.ErrUnavailable) {
				t.Errorf("Hijack = %v, want the commit's error", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemStore()
			store.fail = func(*replica.Load, *replica.Commit) error { return replica.ErrUnavailable }
			w := serve(quiet(t, store), "", func(w http.ResponseWriter, r *http.Request) {
				must(t, Set(FromContext(r.Context()), "a", 1))
				handler(w)
			})
			if w.Code != 503 || strings.Contains(w.Body.String(), "secret") || len(w.Result().Cookies()) > 0 {
				t.Errorf("response = %d %q %v", w.Code, w.Body, w.Header())
			}
			if _, commits := store.seen(); commits != 1 {
				t.Errorf("%d commits, want 1", commits)
			}
		})
	}
}

// hijackable is a ResponseWriter over a pipe.
type hijackable struct {
	*httptest.ResponseRecorder
	conn net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

func TestHijackCommitsFirst(t *testing.T) {
	store := newMemStore()
	server, browser := net.Pipe()
	defer func() { _, _ = server.Close(), browser.Close() }()
	w := hijackable{httptest.NewRecorder(), server}
	quiet(t, store).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		must(t, Set(FromContext(r.Context()), "a", 1))
		conn, _, err := w.(http.Hijacker).Hijack()
		if _, commits := store.seen(); err != nil || conn != server || commits != 1 {
			t.Errorf("Hijack = %v, %v after %d commits", conn, err, commits)
		}
		if w.Header().Get("Set-Cookie") == "" {
			t.Error("no cookie for the caller to send")
		}
	})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
}

func TestStatusAndInformationalHeaders(t *testing.T) {
	store := newMemStore()
	server := httptest.NewServer(quiet(t, store).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		if _, commits := store.seen(); commits != 0 {
			t.Error("early hints committed")
		}
		must(t, Set(FromContext(r.Context()), "a", 1))
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(200) // the first one counts
		fmt.Fprint(w, "short")
	})))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusTeapot || string(body) != "short" || err != nil {
		t.Errorf("response = %d %q %v", resp.StatusCode, body, err)
	}
	if c := resp.Cookies(); len(c) != 1 || c[0].Secure {
		t.Errorf("cookies = %v, want one, not Secure on loopback", c)
	}
}

func TestPanicCommitsNothing(t *testing.T) {
	store := newMemStore()
	w := httptest.NewRecorder()
	func() {
		defer func() { _ = recover() }()
		quiet(t, store).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			must(t, Set(FromContext(r.Context()), "a", 1))
			w.Header().Set("X-Half", "done")
			fmt.Fprint(w, "half a page")
			panic("boom")
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	}()
	if _, commits := store.seen(); commits != 0 || w.Body.Len() != 0 || w.Header().Get("X-Half") != "" {
		t.Errorf("%d commits, response %q %v", commits, w.Body, w.Header())
	}
}
