package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Secure says when the session cookie carries the Secure attribute, with which browsers send it over HTTPS only.
type Secure uint8

// The choices for Secure.
const (
	// SecureAuto: always, except when the request was made to a loopback host (localhost, 127.0.0.0/8, ::1) and shows no
	// sign of a proxy. Choose SecureAlways behind a proxy that replaces the Host header by a loopback address and adds no
	// Forwarded, X-Forwarded-… or Via header.
	SecureAuto Secure = iota
	// SecureAlways: on every host.
	SecureAlways
	// SecureNever: for networks without HTTPS; whoever can listen can take over sessions.
	SecureNever
)

// Cookie describes the cookie that carries a session's id. The zero value is a good one: out of reach of scripts, sent
// back over HTTPS only, not with other sites' requests, and gone when the browser closes.
type Cookie struct {
	Name     string        // default "sid"; with the prefix "__Host-" no neighbouring domain can plant one
	Path     string        // default "/"
	Domain   string        // default: the host of the request, without its subdomains
	MaxAge   time.Duration // at most, and never beyond the session's absolute end; default: until the browser closes
	SameSite http.SameSite // default Lax
	Secure   Secure        // default: unless the host is loopback
	// ScriptAccess leaves out HttpOnly, so that scripts on the page can read the id. Default: they cannot.
	ScriptAccess bool
	// Partitioned gives each embedding site a session of its own (CHIPS); it needs a Secure cookie.
	Partitioned bool
}

func (c Cookie) withDefaults() Cookie {
	if c.Name == "" {
		c.Name = "sid"
	}
	if c.Path == "" {
		c.Path = "/"
	}
	if c.SameSite == 0 || c.SameSite == http.SameSiteDefaultMode {
		c.SameSite = http.SameSiteLaxMode
	}
	return c
}

// Validate reports a cookie that browsers would refuse; the zero Cookie is valid.
func (c Cookie) Validate() error {
	c = c.withDefaults()
	probe := http.Cookie{Name: c.Name, Value: "x", Path: c.Path, Domain: c.Domain}
	if err := probe.Valid(); err != nil {
		return fmt.Errorf("cookie: %w", err)
	}
	switch {
	case c.MaxAge < 0 || c.MaxAge%time.Second != 0:
		return fmt.Errorf("cookie: MaxAge %v is not a whole number of seconds", c.MaxAge)
	case c.Secure > SecureNever:
		return fmt.Errorf("cookie: Secure is %d, which is none of the choices", c.Secure)
	case c.Secure == SecureNever && c.mustBeSecure():
		return errors.New("cookie: browsers refuse SameSite=None, Partitioned and the prefixes __Host- and __Secure- without Secure")
	case strings.HasPrefix(c.Name, "__Host-") && (c.Path != "/" || c.Domain != ""):
		return errors.New("cookie: the prefix __Host- excludes a Domain and a Path other than /")
	}
	return nil
}

// mustBeSecure reports whether browsers refuse the cookie without Secure, loopback or not.
func (c Cookie) mustBeSecure() bool {
	return c.SameSite == http.SameSiteNoneMode || c.Partitioned ||
		strings.HasPrefix(c.Name, "__Host-") || strings.HasPrefix(c.Name, "__Secure-")
}

// read is the session id that a request carries, or "" when it carries none that could be one, and whether it carries
// the cookie at all. A value that is not well formed is dropped here: it neither is looked up nor becomes the id of
// anything.
func (c Cookie) read(h http.Header) (id string, sent bool) {
	r := http.Request{Header: h}
	cookies := r.CookiesNamed(c.Name)
	for _, cookie := range cookies {
		if replica.WellFormedID(cookie.Value) {
			return cookie.Value, true
		}
	}
	return "", len(cookies) > 0
}

// set adds the cookie with a session's id to a response, to last for age; 0 is until the browser closes.
func (c Cookie) set(h http.Header, r *http.Request, id string, age time.Duration) {
	seconds := int(age / time.Second)
	if age < 0 {
		seconds = -1
	}
	c.write(h, r, id, seconds)
}

// expire adds the order to forget the cookie to a response.
func (c Cookie) expire(h http.Header, r *http.Request) { c.write(h, r, "", -1) }

func (c Cookie) write(h http.Header, r *http.Request, value string, maxAgeSeconds int) {
	cookie := http.Cookie{
		Name: c.Name, Value: value, Path: c.Path, Domain: c.Domain, MaxAge: maxAgeSeconds,
		SameSite: c.SameSite, HttpOnly: !c.ScriptAccess, Secure: c.secureFor(r), Partitioned: c.Partitioned,
	}
	h.Add("Set-Cookie", cookie.String())
	// Without it a shared cache may hand one visitor's cookie to the next.
	h.Add("Cache-Control", `no-cache="Set-Cookie"`)
}

func (c Cookie) secureFor(r *http.Request) bool {
	if c.Secure != SecureAuto {
		return c.Secure == SecureAlways
	}
	return c.mustBeSecure() || r.TLS != nil || proxied(r.Header) || !loopbackHost(r.Host)
}

// proxied reports whether a proxy left a trace: then the host in the request may not be the browser's.
func proxied(h http.Header) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Via"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// loopbackHost reports whether a Host header, with or without port, names the machine itself.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
