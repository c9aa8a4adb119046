package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// fakeStore keeps sessions in memory, and is the cluster that they are on.
type fakeStore struct {
	mu       sync.Mutex // guards the fields below
	sessions map[replica.Key]*replica.Session
	err      error // answers everything, if set
}

var _ client.Store = (*fakeStore)(nil)

func (f *fakeStore) Load(_ context.Context, l *replica.Load) (replica.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[l.Key]
	if s == nil {
		return replica.Result{Status: replica.StatusNotFound}, f.err
	}
	return replica.Result{Session: s}, f.err
}

func (f *fakeStore) Commit(_ context.Context, c *replica.Commit) (replica.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return replica.Result{}, f.err
	}
	next := &replica.Session{Key: c.Key}
	if old := f.sessions[c.Key]; old != nil {
		next.Attrs = slices.Clone(old.Attrs)
	}
	for _, change := range c.Changes {
		next.Attrs = slices.DeleteFunc(next.Attrs, func(a *replica.Attr) bool { return a.Name == change.Name })
		next.Attrs = append(next.Attrs, &replica.Attr{Name: change.Name, Value: change.Value, Deleted: change.Delete})
	}
	slices.SortFunc(next.Attrs, func(a, b *replica.Attr) int { return cmp.Compare(a.Name, b.Name) })
	f.sessions[c.Key] = next
	return replica.Result{Copies: 2}, nil
}

func (f *fakeStore) Locate(context.Context, string) (replica.Location, error) {
	return replica.Location{Slot: 7, Epoch: 3, Primary: replica.Member{Name: "node-2"}, Backups: []replica.Member{{Name: "node-3"}}}, nil
}

func (f *fakeStore) Members() []replica.Member {
	return []replica.Member{{Name: "node-2", Boot: 1}, {Name: "node-2", Boot: 2}, {Name: "node-3", Boot: 3}}
}

// browser is a visitor with one cookie, of shops that share a store.
type browser struct {
	t       *testing.T
	session string
}

// ask has a shop answer, and decodes the answer into v where there should be one.
func (b *browser) ask(shop http.Handler, method, path string, wantStatus int, v any) {
	b.t.Helper()
	r := httptest.NewRequest(method, "http://localhost"+path, nil)
	if b.session != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: b.session})
	}
	w := httptest.NewRecorder()
	shop.ServeHTTP(w, r)
	if w.Code != wantStatus {
		b.t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, wantStatus)
	}
	for _, c := range w.Result().Cookies() {
		b.session = c.Value
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		b.t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
	}
}

func TestShopKeepsTheCartOverServers(t *testing.T) {
	store := &fakeStore{sessions: map[replica.Key]*replica.Session{}}
	one, two := newShop("app-1", store, store).handler(), newShop("app-2", store, store).handler()
	b := &browser{t: t}
	var got cartAnswer
	for _, step := range []struct {
		shop         http.Handler
		method, path string
		want         cartAnswer
	}{
		{one, "GET", "/api/cart", cartAnswer{Server: "app-1"}},
		{one, "POST", "/api/cart/apple", cartAnswer{Server: "app-1", Items: cart{"apple": 1}, Pieces: 1}},
		{two, "POST", "/api/cart/apple", cartAnswer{Server: "app-2", Items: cart{"apple": 2}, Pieces: 2}},
		{one, "POST", "/api/visit", cartAnswer{Server: "app-1", Items: cart{"apple": 2}, Pieces: 2, Visits: 1}},
		{two, "POST", "/api/cart/bread", cartAnswer{Server: "app-2", Items: cart{"apple": 2, "bread": 1}, Pieces: 3, Visits: 1}},
		{one, "DELETE", "/api/cart/bread", cartAnswer{Server: "app-1", Items: cart{"apple": 2}, Pieces: 2, Visits: 1}},
		{one, "DELETE", "/api/cart/bread", cartAnswer{Server: "app-1", Items: cart{"apple": 2}, Pieces: 2, Visits: 1}},
		{two, "GET", "/api/cart", cartAnswer{Server: "app-2", Items: cart{"apple": 2}, Pieces: 2, Visits: 1}},
	} {
		got = cartAnswer{}
		b.ask(step.shop, step.method, step.path, http.StatusOK, &got)
		if diff := gocmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", step.method, step.path, diff)
		}
	}
	if len(store.sessions) != 1 {
		t.Errorf("%d sessions were made for one visitor", len(store.sessions))
	}
}

func TestShopRefusesWhatItDoesNotSell(t *testing.T) {
	store := &fakeStore{sessions: map[replica.Key]*replica.Session{}}
	b := &browser{t: t}
	b.ask(newShop("app-1", store, store).handler(), "POST", "/api/cart/gold", http.StatusNotFound, nil)
	if b.session != "" || len(store.sessions) != 0 {
		t.Errorf("a session %q was begun for nothing", b.session)
	}
}

func TestShopAnswersNothingThatCouldBeLost(t *testing.T) {
	store := &fakeStore{sessions: map[replica.Key]*replica.Session{}, err: replica.ErrUnavailable}
	b := &browser{t: t}
	b.ask(newShop("app-1", store, store).handler(), "POST", "/api/cart/apple", http.StatusServiceUnavailable, nil)
	store.err = errors.New("broken")
	b.ask(newShop("app-1", store, store).handler(), "POST", "/api/cart/apple", http.StatusInternalServerError, nil)
}

func TestShopTellsWhereTheSessionIs(t *testing.T) {
	store := &fakeStore{sessions: map[replica.Key]*replica.Session{}}
	shop := newShop("app-1", store, store).handler()
	b := &browser{t: t}
	var got whereAnswer
	b.ask(shop, "GET", "/api/where", http.StatusOK, &got)
	want := whereAnswer{Server: "app-1", Backups: []string{}, Members: []string{"node-2", "node-3"}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("without a session (-want +got):\n%s", diff)
	}
	b.ask(shop, "POST", "/api/visit", http.StatusOK, nil)
	b.ask(shop, "GET", "/api/where", http.StatusOK, &got)
	want = whereAnswer{Server: "app-1", Slot: 7, Epoch: 3, Primary: "node-2", Backups: []string{"node-3"}, Members: want.Members}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("with a session (-want +got):\n%s", diff)
	}
}

func TestShopPageIsComplete(t *testing.T) {
	w := httptest.NewRecorder()
	page(w, nil)
	for _, outside := range []string{"http://", "https://", "//cdn", "@import"} {
		if strings.Contains(w.Body.String(), outside) {
			t.Errorf("the page refers to %s…, and must work offline", outside)
		}
	}
	for item := range items {
		if !strings.Contains(w.Body.String(), "'"+item+"'") {
			t.Errorf("the page does not offer %s", item)
		}
	}
}
