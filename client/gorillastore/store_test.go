package gorillastore

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/sessions"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/replica"
)

const sessionName = "cart"

func TestMain(m *testing.M) {
	gob.Register(map[string]int{})
	gob.Register(when{})
	m.Run()
}

// watched is a store that notes commits, and fails loads while it is told to.
type watched struct {
	*clienttest.Store
	last   replica.Commit
	broken error
}

func (w *watched) Load(ctx context.Context, l *replica.Load) (replica.Result, error) {
	if w.broken != nil {
		return replica.Result{}, w.broken
	}
	return w.Store.Load(ctx, l)
}

func (w *watched) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	w.last = *c
	return w.Store.Commit(ctx, c)
}

// rig is a store and one browser's cookies.
type rig struct {
	t      *testing.T
	under  *watched
	store  *Store
	cookie *http.Cookie
}

func newRig(t *testing.T) *rig {
	under := &watched{Store: clienttest.NewStore()}
	return &rig{t: t, under: under, store: New(under)}
}

// request is one that the browser sends; it runs until save.
type request struct {
	*rig
	r *http.Request
	s *sessions.Session
}

// begin loads the session as a handler does.
func (g *rig) begin() *request {
	g.t.Helper()
	q := g.raw()
	s, err := g.store.Get(q.r, sessionName)
	if err != nil {
		g.t.Fatal(err)
	}
	q.s = s
	return q
}

func (g *rig) raw() *request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if g.cookie != nil {
		r.AddCookie(g.cookie)
	}
	return &request{rig: g, r: r}
}

// save ends the request; the browser keeps the cookie that was set.
func (q *request) save() error {
	q.t.Helper()
	w := httptest.NewRecorder()
	err := sessions.Save(q.r, w)
	cookies := w.Result().Cookies()
	if err != nil && len(cookies) > 0 {
		q.t.Errorf("cookie %v after %v", cookies, err)
	}
	for _, c := range cookies {
		q.cookie = c
	}
	var all sessions.MultiError
	if errors.As(err, &all) { // which hides what it holds
		return q.s.Save(q.r, httptest.NewRecorder())
	}
	return err
}

// put is a whole request that sets values, given as key, value, key, value.
func (g *rig) put(pairs ...any) {
	g.t.Helper()
	q := g.begin()
	for i := 0; i < len(pairs); i += 2 {
		q.s.Values[pairs[i]] = pairs[i+1]
	}
	if err := q.save(); err != nil {
		g.t.Fatal(err)
	}
}

// holds is a whole request that must find exactly these values.
func (g *rig) holds(pairs ...any) {
	g.t.Helper()
	want := map[any]any{}
	for i := 0; i < len(pairs); i += 2 {
		want[pairs[i]] = pairs[i+1]
	}
	if s := g.begin().s; !reflect.DeepEqual(s.Values, want) || s.IsNew != (len(want) == 0) {
		g.t.Errorf("session holds %v, new %v, want %v", s.Values, s.IsNew, want)
	}
}

// saved lists the attributes that the last commit changed.
func (w *watched) saved() (names []string) {
	for _, ch := range w.last.Changes {
		names = append(names, ch.Name)
	}
	return names
}

func TestFirstSaveCreates(t *testing.T) {
	g := newRig(t)
	g.holds()
	if got := g.under.Sessions(); got != 0 || g.cookie != nil {
		t.Errorf("%d sessions, cookie %v before the first Save", got, g.cookie)
	}
	g.put("items", 1)
	g.put("items", 2, "user", "ann")
	g.holds("items", 2, "user", "ann")
	if got := g.under.Sessions(); got != 1 {
		t.Errorf("%d sessions, want 1", got)
	}
	c := g.cookie
	if !c.Secure || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != maxAgeDefault {
		t.Errorf("cookie %v", c)
	}
}

func TestSecondSaveInRequest(t *testing.T) {
	g := newRig(t)
	q := g.begin()
	for i := range 3 {
		q.s.Values["items"] = i
		if err := q.save(); err != nil {
			t.Fatal(err)
		}
	}
	g.holds("items", 2)
	if got := g.under.Sessions(); got != 1 {
		t.Errorf("%d sessions, want 1", got)
	}
}

func TestParallelRequestsBothWin(t *testing.T) {
	g := newRig(t)
	g.put("a", 1, "b", 1, "c", 1, "kept", map[string]int{"x": 1, "y": 2})
	first, second := g.begin(), g.begin()
	first.s.Values["a"] = 2
	first.s.AddFlash("saved")
	delete(second.s.Values, "b")
	second.s.Values["d"] = 2
	for _, q := range []*request{first, second} {
		if err := q.save(); err != nil {
			t.Fatal(err)
		}
	}
	g.holds("a", 2, "c", 1, "d", 2, "kept", map[string]int{"x": 1, "y": 2}, "_flash", []any{"saved"})
}

func TestOnlyChangesAreSent(t *testing.T) {
	g := newRig(t)
	big := map[string]int{}
	for i := range 50 {
		big[fmt.Sprint(i)] = i
	}
	g.put("big", big, "n", 1)
	q := g.begin()
	if err := q.save(); err != nil {
		t.Fatal(err)
	}
	if got := g.under.saved(); len(got) > 0 {
		t.Errorf("a Save without changes sent %q", got)
	}
	q.s.Values["own"] = when{Day: 1, cached: 2} // of which gob keeps a part
	for _, want := range [][]string{{"string:own"}, nil} {
		if err := q.save(); err != nil {
			t.Fatal(err)
		}
		if got := g.under.saved(); !reflect.DeepEqual(got, want) {
			t.Errorf("Save sent %q, want %q", got, want)
		}
	}
	q.s.Values["big"].(map[string]int)["7"]++ // in place
	if err := q.save(); err != nil {
		t.Fatal(err)
	}
	if got, want := g.under.saved(), []string{"string:big"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Save sent %q, want %q", got, want)
	}
}

// when is a key and a value of a type of its own.
type when struct {
	Day    int
	cached int
}

func TestKeysAndValues(t *testing.T) {
	g := newRig(t)
	pairs := []any{
		"", "empty key", "zero", 0, "false", false, "text", "", "nil", nil, 1, "int", "1", "text", int8(1), "int8",
		when{Day: 1}, "struct", when{Day: 2}, when{Day: 3}, "sessnode:principal", "ann", "name", "a value",
	}
	g.put(pairs...)
	g.holds(pairs...)
}

func TestValueThatCannotBeEncoded(t *testing.T) {
	g := newRig(t)
	g.put("a", 1)
	q := g.begin()
	q.s.Values["a"], q.s.Values["f"] = 2, func() {}
	if err := q.save(); err == nil {
		t.Error("a func was saved")
	}
	g.holds("a", 1)
}

func TestValueThatCannotBeDecoded(t *testing.T) {
	g := newRig(t)
	g.put("a", 1, "other", 1)
	key := replica.Key{App: client.AppDefault, ID: g.cookie.Value}
	garbage := replica.Change{Name: "string:old", Value: []byte("of a type that is no more")}
	reserved := replica.Change{Name: "sessnode:principal", Value: []byte("ann")}
	if _, err := g.under.Commit(t.Context(), &replica.Commit{Key: key, Changes: []replica.Change{garbage, reserved}}); err != nil {
		t.Fatal(err)
	}
	q := g.raw()
	s, err := g.store.Get(q.r, sessionName)
	if err == nil || s == nil || s.IsNew || s.Values["a"] != 1 || len(s.Values) != 2 {
		t.Fatalf("get = %+v, %v", s, err)
	}
	q.s = s
	s.Values["a"] = 2
	if err := q.save(); err != nil {
		t.Fatal(err)
	}
	if got, want := g.under.saved(), []string{"string:a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Save sent %q, want %q", got, want)
	}
	s.Values["old"] = 3
	if err := q.save(); err != nil {
		t.Fatal(err)
	}
	g.holds("a", 2, "other", 1, "old", 3)
}

func TestNegativeMaxAgeDestroys(t *testing.T) {
	g := newRig(t)
	g.put("user", "ann")
	underWay, logout := g.begin(), g.begin()
	old := *g.cookie
	logout.s.Options.MaxAge = -1
	if err := logout.save(); err != nil {
		t.Fatal(err)
	}
	if g.cookie.MaxAge >= 0 || g.cookie.Value != "" || g.under.Sessions() != 0 {
		t.Errorf("cookie %v, %d sessions after the logout", g.cookie, g.under.Sessions())
	}
	underWay.s.Values["seen"] = "cart"
	if err := underWay.save(); !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("a request under way ended with %v, want %v", err, replica.ErrDestroyed)
	}
	g.cookie = &old
	g.holds()
	g.put("user", "bob")
	if g.cookie.Value == old.Value {
		t.Error("a dead id was given again")
	}
	never := newRig(t)
	q := never.begin()
	q.s.Options.MaxAge = -1
	if err := q.save(); err != nil || never.under.last.Destroy {
		t.Errorf("end of what was never saved = %v, %+v", err, never.under.last)
	}
}

func TestIDsThatBrowsersMakeUp(t *testing.T) {
	g := newRig(t)
	for _, id := range []string{"garbage", "abcdef.0123456789012345678901"} {
		g.cookie = &http.Cookie{Name: sessionName, Value: id}
		g.put("user", "ann")
		if g.cookie.Value == id {
			t.Errorf("%q became a session", id)
		}
	}
	made := g.cookie
	g.under.broken = errors.New("asked for an id that cannot be one")
	g.cookie = &http.Cookie{Name: sessionName, Value: "garbage"}
	g.begin()
	g.under.broken, g.cookie = nil, made
	other, err := g.store.Get(g.raw().r, "admin")
	if err != nil || !other.IsNew {
		t.Fatalf("another name: %+v, %v", other, err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: "admin", Value: g.cookie.Value})
	if s, err := g.store.Get(r, "admin"); err != nil || !s.IsNew || len(s.Values) > 0 {
		t.Errorf("the cart's id opened the session of another name: %+v, %v", s, err)
	}
}

func TestClearedIDIsRenewed(t *testing.T) {
	g := newRig(t)
	g.put("items", 1)
	old := *g.cookie
	q := g.begin()
	q.s.ID = ""
	q.s.Values["user"] = "ann"
	if err := q.save(); err != nil {
		t.Fatal(err)
	}
	if g.cookie.Value == old.Value {
		t.Error("the id is the same")
	}
	g.holds("items", 1, "user", "ann")
	g.cookie = &old
	g.holds()

	q.s.ID = "abcdef.0123456789012345678901"
	if err := q.save(); !errors.Is(err, replica.ErrBadRequest) {
		t.Errorf("save under a chosen id = %v, want %v", err, replica.ErrBadRequest)
	}
}

// A handler that does not look at the error of Get loses nobody's session for it.
func TestStoreOutOfReach(t *testing.T) {
	g := newRig(t)
	g.put("user", "ann", "items", 1)
	id := g.cookie.Value
	g.under.broken = replica.ErrUnavailable
	q := g.raw()
	s, err := g.store.Get(q.r, sessionName)
	if !errors.Is(err, replica.ErrUnavailable) || s == nil {
		t.Fatalf("get = %+v, %v", s, err)
	}
	g.under.broken = nil
	q.s = s
	s.Values["items"] = 2
	if err := q.save(); err != nil || g.cookie.Value != id {
		t.Errorf("save = %v, id %q, want %q", err, g.cookie.Value, id)
	}
	g.holds("user", "ann", "items", 2)
}

func TestVisitorWhoHangsUp(t *testing.T) {
	g := newRig(t)
	q := g.begin()
	ctx, hangUp := context.WithCancel(q.r.Context())
	q.r = q.r.WithContext(ctx)
	hangUp()
	q.s.Values["items"] = 1
	w := httptest.NewRecorder()
	if err := q.s.Save(q.r, w); err != nil {
		t.Fatalf("save = %v", err)
	}
	g.cookie = w.Result().Cookies()[0]
	g.holds("items", 1)
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.store.Options.MaxAge = 60
		for i := range 3 {
			g.put("items", i)
			time.Sleep(50 * time.Second)
		}
		g.holds("items", 2)
		late := g.begin()
		time.Sleep(11 * time.Second)
		g.holds()
		if err := late.save(); !errors.Is(err, replica.ErrNotFound) {
			t.Errorf("save of what expired meanwhile = %v, want %v", err, replica.ErrNotFound)
		}
		g.store.Options.MaxAge = 0
		g.put("items", 1)
		if g.cookie.MaxAge != 0 || !g.cookie.Expires.IsZero() {
			t.Errorf("cookie %v, want one until the browser ends", g.cookie)
		}
		time.Sleep(23 * time.Hour)
		g.holds("items", 1)
		q := g.begin()
		q.s.Options.MaxAge = 25 * 60 * 60
		if err := q.save(); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("an age beyond the cluster's limit = %v, want %v", err, replica.ErrTooLarge)
		}
	})
}

func TestOriginsGoWithTheirSessions(t *testing.T) {
	g := newRig(t)
	for i := range 100 {
		g.put("items", i)
	}
	for range 1000 {
		runtime.GC()
		g.store.origin.mu.Lock()
		n := len(g.store.origin.all)
		g.store.origin.mu.Unlock()
		if n == 0 {
			return
		}
	}
	t.Error("origins of sessions that are gone are still there")
}

func TestConfig(t *testing.T) {
	if _, err := (Config{}).Build(); err == nil {
		t.Error("a store without a store was made")
	}
	own := &sessions.Options{Path: "/shop", MaxAge: 60}
	s, err := Config{Store: clienttest.NewStore(), App: "shop", Durability: replica.DurableOne, Options: own}.Build()
	if err != nil || s.Options != own || s.target.App != "shop" || s.target.Durability != replica.DurableOne {
		t.Errorf("build = %+v, %v", s, err)
	}
}
