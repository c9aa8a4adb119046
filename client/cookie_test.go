package client

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

func TestCookieAttributes(t *testing.T) {
	for _, test := range []struct {
		name   string
		cookie Cookie
		host   string
		change func(*http.Request)
		want   string // of Set-Cookie
	}{
		{"defaults", Cookie{}, "shop.example", nil, "sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"loopback name", Cookie{}, "localhost:8080", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"loopback v4", Cookie{}, "127.0.0.1:8080", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"loopback v6", Cookie{}, "[::1]:8080", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"loopback v6 without port", Cookie{}, "[::1]", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"subdomain of localhost", Cookie{}, "a.LocalHost.", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"not quite localhost", Cookie{}, "localhost.example", nil, "sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"not quite loopback", Cookie{}, "127.0.0.1.example", nil, "sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"TLS on loopback", Cookie{}, "localhost", func(r *http.Request) { r.TLS = new(tls.ConnectionState) },
			"sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"behind a proxy", Cookie{}, "127.0.0.1:8080", func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
			"sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"always", Cookie{Secure: SecureAlways}, "localhost", nil, "sid=ID; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"never", Cookie{Secure: SecureNever}, "shop.example", nil, "sid=ID; Path=/; HttpOnly; SameSite=Lax"},
		{"none needs Secure", Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true}, "localhost", nil,
			"sid=ID; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"all", Cookie{Name: "__Secure-x", Path: "/a", Domain: "example.org", MaxAge: time.Hour,
			SameSite: http.SameSiteStrictMode, ScriptAccess: true}, "localhost", nil,
			"__Secure-x=ID; Path=/a; Domain=example.org; Max-Age=3600; Secure; SameSite=Strict"},
	} {
		t.Run(test.name, func(t *testing.T) {
			must(t, test.cookie.Validate())
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = test.host
			if test.change != nil {
				test.change(r)
			}
			h := make(http.Header)
			c := test.cookie.withDefaults()
			c.set(h, r, "ID", c.MaxAge)
			if got := h.Get("Set-Cookie"); got != test.want {
				t.Errorf("Set-Cookie = %s\nwant         %s", got, test.want)
			}
			if got := h.Get("Cache-Control"); got != `no-cache="Set-Cookie"` {
				t.Errorf("Cache-Control = %s", got)
			}
			h = make(http.Header)
			c.expire(h, r)
			if got := h.Get("Set-Cookie"); !strings.Contains(got, "=; ") || !strings.Contains(got, "Max-Age=0") {
				t.Errorf("expired: Set-Cookie = %s", got)
			}
		})
	}
}

func TestCookieValidate(t *testing.T) {
	for name, c := range map[string]Cookie{
		"name":          {Name: "a;b"},
		"path":          {Path: "/;"},
		"domain":        {Domain: "a b"},
		"negative age":  {MaxAge: -time.Second},
		"part of a sec": {MaxAge: time.Millisecond},
		"secure":        {Secure: 7},
		"none, never":   {SameSite: http.SameSiteNoneMode, Secure: SecureNever},
		"host path":     {Name: "__Host-sid", Path: "/a"},
		"host domain":   {Name: "__Host-sid", Domain: "example.org"},
	} {
		if err := c.Validate(); err == nil {
			t.Errorf("%s: %+v is accepted", name, c)
		}
	}
	must(t, Cookie{}.Validate())
}

func TestCookieReadTakesFirstWellFormed(t *testing.T) {
	id := newMemStore().put(t)
	h := http.Header{"Cookie": {"sid=planted; other=1", "sid=" + id + "; sid=later"}}
	if got, _ := (Cookie{Name: "sid"}).read(h); got != id {
		t.Errorf("read %q, want %q", got, id)
	}
}

func FuzzCookieRead(f *testing.F) {
	for _, header := range []string{
		"", "sid=", "sid=x", "sid=abcdef.0123456789012345678901", "sid=\"abcdef.0123456789012345678901\"",
		"a=b; sid=abcdef.0123456789012345678901; sid=y", "sid;sid==;=", "sid=abcdef.01234567890123456789\x00\n",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		c := Cookie{Name: "sid"}
		id, _ := c.read(http.Header{"Cookie": {header}})
		if id != "" && !replica.WellFormedID(id) {
			t.Fatalf("%q gave the id %q", header, id)
		}
		if id != "" && !strings.Contains(header, id) {
			t.Fatalf("%q gave the id %q, which it does not hold", header, id)
		}
		// What was accepted comes back the same when it is set.
		if id != "" {
			h := make(http.Header)
			c.withDefaults().set(h, httptest.NewRequest("GET", "/", nil), id, 0)
			set, err := http.ParseSetCookie(h.Get("Set-Cookie"))
			if err != nil || set.Value != id {
				t.Fatalf("id %q came back as %v, %v", id, set, err)
			}
		}
	})
}
