package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// ManagerConfig configures a [Manager]. Everything but Store may be left zero.
type ManagerConfig struct {
	Store  Store
	Cookie Cookie
	// Header, when not empty, is the name of the header that carries the id instead of the cookie, for APIs. With
	// "Authorization" a request says "Authorization: Bearer <id>", and a new id is sent in TokenHeader; with any other
	// name both travel in that header, the id alone. After a Destroy the header is sent empty. A site that has pages and
	// an API needs a manager for each, over the same store.
	Header string
	App    string // namespace of the sessions; default: what the store was opened for, else AppDefault
	Codec  Codec  // default JSON

	Tracking    Tracking    // how changes are noticed; default: what is Set is written
	Undecodable Undecodable // what becomes of attributes that cannot be decoded; default: that Get fails

	Idle       time.Duration // a session ends after this long without access; at least 1 s, default 30 min, negative: never
	Lifetime   time.Duration // a session ends this long after its creation; default and limit are the cluster's
	Durability replica.Durability
	Timeout    time.Duration // for one load or commit, see Route; default 5 s, at most 30 s

	// OnError answers a request whose session could not be loaded or committed; what the handler wrote has been thrown
	// away. It is called at most once per request, before any byte left. Unreachable(err) says that trying again may
	// help; errors.Is(err, ErrEndedMeanwhile) that somebody logged out while the request ran. Default: 503 with
	// Retry-After for the first, 409 for the second, 500 otherwise, and a line in the log.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// RouteCookie, when not empty, is the name of a second cookie, which says to proxies on the way which node is the
	// primary of the visitor's session, see RouteHint: the application server beside or around that node answers soonest. It
	// is set when it changes, with the attributes of Cookie, and goes when the session ends. A wrong one costs time, nothing
	// else. The store must be a Locator. Default: none.
	RouteCookie string
	// Skip names requests that need no session, so that nothing of their responses is held back. Default: none.
	Skip func(r *http.Request) bool

	// BufferBytesMax is how much of a response is held back for the commit; a longer one commits when it is reached.
	// Default 64 KiB.
	BufferBytesMax int
	Log            *slog.Logger // default slog.Default()
}

const (
	idleDefault           = 30 * time.Minute
	timeoutDefault        = 5 * time.Second
	bufferBytesMaxDefault = 64 << 10
)

func (c ManagerConfig) withDefaults() ManagerConfig {
	c.Cookie = c.Cookie.withDefaults()
	if c.App == "" && c.Store != nil {
		c.App = appOf(c.Store)
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.Idle = cmp.Or(c.Idle, idleDefault); c.Idle < 0 {
		c.Idle = 0
	}
	c.Timeout = cmp.Or(c.Timeout, timeoutDefault)
	c.BufferBytesMax = cmp.Or(c.BufferBytesMax, bufferBytesMaxDefault)
	if c.Skip == nil {
		c.Skip = func(*http.Request) bool { return false }
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Validate reports the first field that cannot work.
func (c ManagerConfig) Validate() error {
	if c.Store == nil {
		return errors.New("manager: no store")
	}
	if err := c.Cookie.Validate(); err != nil {
		return fmt.Errorf("manager: %w", err)
	}
	if err := newToken(c.Header).validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	switch {
	case len(c.App) > replica.AppLenMax:
		return fmt.Errorf("manager: application name of %d bytes, limit %d", len(c.App), replica.AppLenMax)
	case c.Idle > 0 && c.Idle < time.Second:
		return fmt.Errorf("manager: Idle is %v; it must be at least 1s", c.Idle)
	case c.Lifetime < 0:
		return fmt.Errorf("manager: Lifetime is %v; it must not be negative", c.Lifetime)
	case c.Durability > replica.DurableNone:
		return fmt.Errorf("manager: Durability is %d, which is none of the choices", c.Durability)
	case c.Tracking > TrackAlways:
		return fmt.Errorf("manager: Tracking is %d, which is none of the choices", c.Tracking)
	case c.Undecodable > UndecodableNewSession:
		return fmt.Errorf("manager: Undecodable is %d, which is none of the choices", c.Undecodable)
	case c.Timeout < 0 || c.Timeout > timeoutMax:
		return fmt.Errorf("manager: Timeout is %v; it must be positive and at most %v", c.Timeout, timeoutMax)
	case c.BufferBytesMax < 0:
		return fmt.Errorf("manager: BufferBytesMax is %d; it must be positive", c.BufferBytesMax)
	}
	return c.validateHint()
}

// Build makes a manager.
func (c ManagerConfig) Build() (*Manager, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	m := &Manager{
		store: c.Store, cookie: c.Cookie, token: newToken(c.Header), app: c.App, codec: c.Codec,
		tracking: c.Tracking, undecodable: c.Undecodable,
		idle: c.Idle, lifetime: c.Lifetime, durability: c.Durability, timeout: c.Timeout,
		onError: c.OnError, skip: c.Skip, log: c.Log, bufferBytesMax: c.BufferBytesMax,
		routeCookie: c.RouteCookie,
	}
	if m.onError == nil {
		m.onError = m.answerError
	}
	m.buffers.New = func() any { return new([]byte) }
	return m, nil
}

// Manager gives the handlers that it wraps their visitors' sessions. It is safe for concurrent use.
type Manager struct {
	store  Store
	cookie Cookie
	token  token
	app    string
	codec  Codec

	tracking    Tracking
	undecodable Undecodable

	idle, lifetime time.Duration
	durability     replica.Durability
	timeout        time.Duration

	onError func(http.ResponseWriter, *http.Request, error)
	skip    func(*http.Request) bool
	log     *slog.Logger

	routeCookie    string // "": no hints
	bufferBytesMax int
	buffers        sync.Pool // of *[]byte, empty
}

// NewManager makes a manager with the defaults of [ManagerConfig]. It panics for a nil store and for a cookie that
// [Cookie.Validate] refuses; ManagerConfig.Build returns the error instead.
func NewManager(store Store, cookie Cookie) *Manager {
	m, err := ManagerConfig{Store: store, Cookie: cookie}.Build()
	if err != nil {
		panic("client: " + err.Error())
	}
	return m
}

// Wrap is next with a session in its requests' contexts, see [FromContext]. The session is loaded at its first use and
// what the handler changed is committed before the first byte of the response leaves: at the handler's end, at a
// Flush or Hijack, or when the response outgrows the buffer. When that fails, OnError answers in the handler's place.
// What is changed after the first byte is committed at the handler's end, and a failure of that is only logged. A
// handler that panics commits nothing. A request that never asks for its session costs the store nothing.
func (m *Manager) Wrap(next http.Handler) http.Handler { return m.WrapWith(Route{}, next) }

// session is a request's session, not yet looked at.
func (m *Manager) session(r *http.Request) *Session {
	id, absent := m.read(r.Header)
	s := &Session{manager: m, carried: id, state: sessionState{
		id: id, absent: absent, timeout: m.timeout, onError: m.onError, durability: m.durability,
	}}
	s.load = func(id string) (replica.Result, error) {
		ctx, cancel, err := s.limited(r.Context())
		if err != nil {
			return replica.Result{}, err
		}
		defer cancel()
		return m.store.Load(ctx, &replica.Load{Key: replica.Key{App: m.app, ID: id}})
	}
	return s
}

// save commits a session's changes for a request. A visitor who hangs up does not stop it: the handler's work is done.
func (m *Manager) save(r *http.Request, s *Session) error {
	ctx, cancel, err := s.limited(context.WithoutCancel(r.Context()))
	if err != nil {
		return err
	}
	defer cancel()
	_, err = s.save(ctx)
	s.learnEnd(ctx)
	return err
}
