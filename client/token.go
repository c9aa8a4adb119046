package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// TokenHeader is the response header in which a manager whose ManagerConfig.Header is "Authorization" sends a new id. A
// manager with another Header sends it in that.
const TokenHeader = "Session-Token"

// Why a request carries no id that could name a session; see [Session.Missing].
var (
	// ErrNoID: it carries none at all.
	ErrNoID = errors.New("client: the request carries no session id")
	// ErrMalformedID: what it carries was never made here. It is not looked up and becomes the id of nothing.
	ErrMalformedID = errors.New("client: the session id of the request is not well formed")
)

// token is where ids travel when a header carries them; the zero value means that a cookie does.
type token struct{ request, response string }

func newToken(header string) token {
	if strings.EqualFold(header, "Authorization") {
		return token{header, TokenHeader}
	}
	return token{header, header}
}

// validate reports a header that cannot carry ids.
func (t token) validate() error {
	switch strings.ToLower(t.request) {
	case "":
		return nil
	case "cookie", "set-cookie":
		return fmt.Errorf("manager: Header is %q; leave it empty to use the cookie", t.request)
	}
	probe := http.Cookie{Name: t.request, Value: "x"} // both names are tokens of RFC 9110
	if probe.Valid() != nil {
		return fmt.Errorf("manager: Header %q is no name of a header", t.request)
	}
	return nil
}

// read is the id that a request carries in the header, and whether it carries anything.
func (t token) read(h http.Header) (id string, sent bool) {
	bearer := t.request != t.response
	for _, value := range h.Values(t.request) {
		if bearer {
			scheme, rest, _ := strings.Cut(value, " ")
			if !strings.EqualFold(scheme, "Bearer") {
				continue // somebody else's credentials
			}
			value = rest
		}
		sent = true
		if value = strings.TrimSpace(value); replica.WellFormedID(value) {
			return value, true
		}
	}
	return "", sent
}

// write sends an id, or with "" the word that there is none any more.
func (t token) write(h http.Header, id string) {
	h.Set(t.response, id)
	h.Add("Cache-Control", "no-store") // whoever reads the answer later has the session
}

// read is the id that a request carries, or why it carries none.
func (m *Manager) read(h http.Header) (id string, err error) {
	read := m.cookie.read
	if m.token.request != "" {
		read = m.token.read
	}
	id, sent := read(h)
	switch {
	case id != "":
		return id, nil
	case sent:
		return "", ErrMalformedID
	}
	return "", ErrNoID
}

// vary is the request header that responses depend on when they depend on the session.
func (m *Manager) vary() string {
	if m.token.request != "" {
		return http.CanonicalHeaderKey(m.token.request)
	}
	return "Cookie"
}

// tell writes what the browser must learn into a response's header.
func (m *Manager) tell(h http.Header, r *http.Request, n notice) {
	switch {
	case n == notice{}:
	case m.token.request != "":
		m.token.write(h, n.id)
	case n.id != "":
		m.cookie.set(h, r, n.id, n.age)
	default:
		m.cookie.expire(h, r)
	}
}
