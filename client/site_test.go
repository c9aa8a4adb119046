package client_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/replica"
)

// spyStore notes what it is asked on the way to another store.
type spyStore struct {
	*clienttest.Store

	mu      sync.Mutex // guards the fields below
	loads   int
	commits []replica.Commit

	// fail, when set, decides before the store does; it is set while nobody uses the store.
	fail func(ctx context.Context, l *replica.Load, c *replica.Commit) error
}

func newSpyStore() *spyStore { return &spyStore{Store: clienttest.NewStore()} }

func (s *spyStore) Load(ctx context.Context, l *replica.Load) (replica.Result, error) {
	s.mu.Lock()
	s.loads++
	s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(ctx, l, nil); err != nil {
			return replica.Result{}, err
		}
	}
	return s.Store.Load(ctx, l)
}

func (s *spyStore) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	s.mu.Lock()
	s.commits = append(s.commits, *c)
	s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(ctx, nil, c); err != nil {
			return replica.Result{}, err
		}
	}
	return s.Store.Commit(ctx, c)
}

// taken is what the store was asked to commit since the last call.
func (s *spyStore) taken() []replica.Commit {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.commits
	s.commits = nil
	return c
}

// stored is the session with an id as the store has it, or nil.
func (s *spyStore) stored(t testing.TB, id string) *replica.Session {
	t.Helper()
	res, err := s.Store.Load(t.Context(), &replica.Load{Key: replica.Key{App: client.AppDefault, ID: id}, Peek: true})
	if err != nil {
		return nil
	}
	return res.Session
}

// attr is what the store has under a name, "" for nothing.
func (s *spyStore) attr(t testing.TB, id, name string) string {
	t.Helper()
	if session := s.stored(t, id); session != nil {
		v, _ := session.Get(name)
		return string(v)
	}
	return ""
}

// manager is one over store that logs nowhere.
func manager(t testing.TB, conf client.ManagerConfig) *client.Manager {
	t.Helper()
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	m, err := conf.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// browser keeps the cookie "sid" as browsers do.
type browser struct {
	cookie *http.Cookie // nil for none
	header http.Header  // sent with every request
}

// id is the session id that the browser has.
func (b *browser) id() string {
	if b.cookie == nil {
		return ""
	}
	return b.cookie.Value
}

// visit has a handler answer one request.
func (b *browser) visit(wrap func(http.Handler) http.Handler, handler func(http.ResponseWriter, *client.Session)) *http.Response {
	r := httptest.NewRequest("POST", "http://shop.example/", nil)
	for name, values := range b.header {
		r.Header[name] = values
	}
	if b.cookie != nil {
		r.AddCookie(&http.Cookie{Name: b.cookie.Name, Value: b.cookie.Value})
	}
	w := httptest.NewRecorder()
	wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler(w, client.FromContext(r.Context()))
	})).ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if b.cookie = c; c.MaxAge < 0 {
			b.cookie = nil
		}
	}
	return resp
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// begin gives a browser a session with one attribute and returns its id.
func (b *browser) begin(t testing.TB, m *client.Manager, name string, value any) string {
	t.Helper()
	b.visit(m.Wrap, func(_ http.ResponseWriter, s *client.Session) { must(t, client.Set(s, name, value)) })
	if b.id() == "" {
		t.Fatal("no session was begun")
	}
	return b.id()
}
