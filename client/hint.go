package client

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// Locator is a [Store] that knows where sessions are without asking anybody. A [Client] is one, and so is a node in the same
// process.
type Locator interface {
	// Locate says where the session with an id is or would be.
	Locate(ctx context.Context, id string) (replica.Location, error)
}

var _ Locator = (*Client)(nil)

// RouteHint is what the cookie of ManagerConfig.RouteCookie says for a node's name: the name, if it has at most 64 letters,
// digits, dots, hyphens and underscores, which is so for every node of this version; otherwise 16 hexadecimal digits, a
// hash of it that is always the same.
func RouteHint(name string) string {
	if len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) && r != '.' && r != '-' }) {
		return name
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // it never fails
	return fmt.Sprintf("%016x", h.Sum64())
}

// isWord reports whether r may be part of a variable's name in the configuration of nginx.
func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

// validateHint reports why no hint can be given.
func (c ManagerConfig) validateHint() error {
	name := c.RouteCookie
	if name == "" {
		return nil
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !isWord(r) }) {
		return fmt.Errorf("manager: RouteCookie %q: use letters, digits and underscores, nginx reads no others", name)
	}
	if name == c.Cookie.Name {
		return fmt.Errorf("manager: RouteCookie %q is the cookie of the session: choose another name", name)
	}
	if _, ok := c.Store.(Locator); !ok {
		return fmt.Errorf("manager: RouteCookie: a %T does not know where sessions are", c.Store)
	}
	return nil
}

// hint adds the route hint to a response if the request used its session and carries another one. While the session's slot
// has no primary it leaves the browser's as it is. When the commit failed the hint goes with the other headers.
func (m *Manager) hint(h http.Header, r *http.Request, s *Session) {
	if m.routeCookie == "" {
		return
	}
	id, used := s.whereabouts()
	if !used {
		return
	}
	carried := ""
	if sent := r.CookiesNamed(m.routeCookie); len(sent) > 0 {
		carried = sent[0].Value
	}
	want := ""
	if id != "" {
		where, err := m.store.(Locator).Locate(r.Context(), id)
		if err != nil || where.Primary.Name == "" {
			return
		}
		want = RouteHint(where.Primary.Name)
	}
	if want != carried {
		m.writeHint(h, r, want)
	}
}

// writeHint has the browser keep a hint as long as it runs, or forget it. Where the session's cookie goes the hint goes.
func (m *Manager) writeHint(h http.Header, r *http.Request, want string) {
	c := m.cookie
	c.Name = m.routeCookie
	c.Secure = SecureNever
	if m.cookie.secureFor(r) {
		c.Secure = SecureAlways
	}
	maxAge := 0
	if want == "" {
		maxAge = -1
	}
	c.write(h, r, want, maxAge)
}

// whereabouts is the id of the session that this request leaves behind, "" for none, and whether it has used any.
func (s *Session) whereabouts() (id string, used bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	return st.id, st.base != nil || st.life > 0 || st.id != s.carried
}
