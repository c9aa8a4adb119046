package fiberstore_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/session"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/client/fiberstore"
	"github.com/sessnode/sessnode/replica"
)

var _ fiber.Storage = (*fiberstore.Storage)(nil)

func TestStorage(t *testing.T) {
	s := fiberstore.New(clienttest.NewStore())
	get := func(key, want string) {
		t.Helper()
		got, err := s.Get(key)
		if string(got) != want || (got == nil) != (want == "") || err != nil {
			t.Errorf("get %q = %q, %v, want %q", key, got, err, want)
		}
		clear(got) // it is ours
	}
	set := func(key, value string) {
		t.Helper()
		own := []byte(value)
		if err := s.Set(key, own, 0); err != nil {
			t.Errorf("set %q = %v", key, err)
		}
		clear(own) // fiber uses its buffers again
	}
	get("key", "")
	set("key", "1")
	get("key", "1")
	set("key", "2")
	get("key", "2")
	set("key", "")
	get("key", "2")
	set("", "1")
	get("", "")
	for _, key := range []string{"key", "key", "unknown", ""} {
		if err := s.Delete(key); err != nil {
			t.Errorf("delete %q = %v", key, err)
		}
		get(key, "")
	}
	set("", "1")
	if err := s.Set("key", []byte("3"), 0); !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("set of a deleted key = %v, want %v", err, replica.ErrDestroyed)
	}
	if err := s.Set("other", []byte("1"), -time.Second); !errors.Is(err, replica.ErrBadRequest) {
		t.Errorf("set with a negative expiration = %v, want %v", err, replica.ErrBadRequest)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestReset, called by itself and through fiber: every key is gone, and those of another application are not.
func TestReset(t *testing.T) {
	store := clienttest.NewStore()
	s := fiberstore.New(store)
	other, err := fiberstore.Config{Store: store, App: "other"}.Build()
	if err != nil {
		t.Fatal(err)
	}
	for name, reset := range map[string]func() error{
		"itself":        s.Reset,
		"through fiber": func() error { return session.NewStore(session.Config{Storage: s}).Reset(t.Context()) },
	} {
		for _, of := range []*fiberstore.Storage{s, other} {
			if err := of.Set(name, []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := reset(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := s.Get(name); got != nil || err != nil {
			t.Errorf("%s: %q, %v is left", name, got, err)
		}
		if got, _ := other.Get(name); string(got) != "1" {
			t.Errorf("%s: another application's key is %q", name, got)
		}
	}
	cannot := fiberstore.New(struct{ client.Store }{store})
	if err := cannot.Reset(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("reset without a list = %v", err)
	}
}

func TestExpiration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fiberstore.New(clienttest.NewStore())
		lives := func(want bool) {
			t.Helper()
			if got, err := s.Get("key"); err != nil || (got != nil) != want {
				t.Errorf("get = %q, %v, want a value: %v", got, err, want)
			}
		}
		for _, life := range []time.Duration{time.Minute, 0} {
			if err := s.Set("key", []byte("1"), life); err != nil {
				t.Fatal(err)
			}
			if life == 0 {
				life = 24 * time.Hour // the cluster's limit
			}
			time.Sleep(life - time.Second)
			lives(true)
			time.Sleep(2 * time.Second)
			lives(false)
		}
		if err := s.Set("key", []byte("1"), 25*time.Hour); !errors.Is(err, replica.ErrTooLarge) {
			t.Errorf("an expiration beyond the cluster's limit = %v", err)
		}
	})
}

func TestApplications(t *testing.T) {
	if _, err := (fiberstore.Config{}).Build(); err == nil {
		t.Error("a storage without a store was made")
	}
	under := clienttest.NewStore()
	for _, app := range []string{"a", "b"} {
		s, err := fiberstore.Config{Store: under, App: app}.Build()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set("key", []byte(app), 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := under.Sessions(); got != 2 {
		t.Errorf("%d sessions in two applications, want one each", got)
	}
}

// shop is an application with fiber's own session middleware.
func shop(storage fiber.Storage) *fiber.App {
	app := fiber.New()
	app.Use(session.New(session.Config{Storage: storage}))
	app.Get("/login", func(c fiber.Ctx) error {
		if err := session.FromContext(c).Regenerate(); err != nil {
			return err
		}
		session.FromContext(c).Set("user", "ann")
		return nil
	})
	app.Get("/logout", func(c fiber.Ctx) error { return session.FromContext(c).Destroy() })
	app.Get("/", func(c fiber.Ctx) error {
		user, _ := session.FromContext(c).Get("user").(string)
		return c.SendString(user)
	})
	return app
}

// visit is one request to the shop; it returns the body and the session's cookie, if one was set.
func visit(t *testing.T, app *fiber.App, path string, cookie *http.Cookie) (string, *http.Cookie) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	resp, err := app.Test(r, fiber.TestConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s = %s %q, %v", path, resp.Status, body, err)
	}
	for _, c := range resp.Cookies() {
		cookie = c
	}
	return string(body), cookie
}

func TestThroughFiberSessions(t *testing.T) {
	app := shop(fiberstore.New(clienttest.NewStore()))
	_, visitor := visit(t, app, "/", nil)
	_, ann := visit(t, app, "/login", visitor)
	if ann.Value == visitor.Value {
		t.Error("the id is that of before the login")
	}
	if user, _ := visit(t, app, "/", ann); user != "ann" {
		t.Errorf("user %q after the login", user)
	}
	if user, _ := visit(t, app, "/", visitor); user != "" {
		t.Errorf("user %q under the id of before the login", user)
	}
	visit(t, app, "/logout", ann)
	if user, _ := visit(t, app, "/", ann); user != "" {
		t.Errorf("user %q after the logout", user)
	}
}

// A fiber session that another request destroys is not brought back when this one saves.
func TestLogoutBeatsRequestUnderWay(t *testing.T) {
	storage := fiberstore.New(clienttest.NewStore())
	app := shop(storage)
	_, ann := visit(t, app, "/login", nil)
	sessions := session.NewStore(session.Config{Storage: storage})
	underWay, err := sessions.GetByID(t.Context(), ann.Value)
	if err != nil {
		t.Fatal(err)
	}
	defer underWay.Release()
	visit(t, app, "/logout", ann)
	underWay.Set("seen", "cart")
	if err := underWay.Save(); !errors.Is(err, replica.ErrDestroyed) {
		t.Errorf("save = %v, want %v", err, replica.ErrDestroyed)
	}
	if user, _ := visit(t, app, "/", ann); user != "" {
		t.Errorf("user %q after the logout", user)
	}
}
