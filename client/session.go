package client

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Session is one request's view of its visitor's session: what the store had when the request first looked, with this
// request's changes on top. Changes are buffered and committed by [Manager.Wrap], or earlier by [Session.Commit] and
// [Session.Update]; nothing is loaded before the first use. A Session may be used by several goroutines, until the
// handler returns.
type Session struct {
	manager *Manager
	carried string // well-formed id that the request came with, or ""; it may name nothing

	// load asks the store for a session under the request's context, which it closes over: the session lives exactly as
	// long as the request does.
	load func(id string) (replica.Result, error)

	mu      sync.Mutex    // guards the fields below; never held while the store is asked
	loading chan struct{} // closed when the load under way ends; nil without one
	saving  chan struct{} // the same for commits
	state   sessionState
}

// sessionState is what a request knows of its session and wants of it.
type sessionState struct {
	// id of the session, "" while there is none. It is known to exist once base is set.
	id     string
	base   *replica.Session // newest version known to this request
	exact  bool             // base is all of that version: no commit of others lies between its parts
	ends   int64            // when it must end, milliseconds since 1970; 0 if that is not known
	doomed string           // id to be destroyed by the next commit
	life   int              // counts the sessions that this request had; Destroy ends one

	pending intent // not committed yet
	sending intent // in the commit under way: still what this request sees
	news    notice // what the browser has not been told

	lock *Lock // under which the request commits unless it is released; of the session id

	handed  map[string]*handed // what Get gave out and is followed, by name
	flashed int64              // when the last message was left, nanoseconds since 1970: no two at the same time

	timeout    time.Duration // for one load or commit
	onError    func(http.ResponseWriter, *http.Request, error)
	durability replica.Durability

	absent    error // why there is no session when id is ""
	err       error // why the session cannot be loaded; the request's commit ends with it
	phase     phase
	asked     bool // somebody wanted to know something of the session
	discarded bool
	warned    bool // of an attribute that cannot be decoded
}

// phase says how far the response is.
type phase uint8

const (
	phaseOpen    phase = iota // nothing has left
	phaseStarted              // headers have left: no cookie can follow
	phaseOver                 // the handler returned: nobody will commit
)

// contextKey is where the middleware leaves the session.
type contextKey struct{}

// FromContext is the session of a request that runs inside [Manager.Wrap], or nil. The functions of this package answer
// ErrNotWrapped for a nil session.
func FromContext(ctx context.Context) *Session {
	s, _ := ctx.Value(contextKey{}).(*Session)
	return s
}

// Destroy ends the session for good, on all nodes, when the response is committed; the browser is told to forget the
// cookie. What was changed before is dropped. A Set after it begins a new session with a new id.
func (s *Session) Destroy() error {
	if s == nil {
		return ErrNotWrapped
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.phase == phaseOver {
		return ErrResponseStarted
	}
	// Also an id that no session was found for: on the far side of a split there may be one.
	if id := cmp.Or(st.id, s.carried); id != "" && !st.discarded {
		st.doomed = id
	}
	s.carried = ""
	st.id, st.base, st.err, st.absent = "", nil, nil, replica.ErrDestroyed
	st.pending, st.sending, st.handed = intent{}, intent{}, nil
	st.life++
	return nil
}

// Discard gives up all changes of this request, Destroy included, and forgives a store that could not be reached: the
// response leaves as the handler wrote it. For handlers that can do without a session, or that failed halfway.
func (s *Session) Discard() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.discarded = true
	s.state.doomed, s.state.pending, s.state.handed = "", intent{}, nil
}

// Exists reports whether the visitor has a session: one that the store knows, or one that this request began.
func (s *Session) Exists() (bool, error) {
	if s == nil {
		return false, ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.exists(), nil
}

// Missing says why the visitor has no session, nil when there is one: [ErrNoID], [ErrMalformedID], replica.ErrDestroyed
// for one that was destroyed, or renewed under another id, and replica.ErrNotFound for one that expired or never was. A
// page can tell by it whom to ask to log in again. Other errors are those of [Has].
func (s *Session) Missing() error {
	if ok, err := s.Exists(); ok || err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.absent
}

func (st *sessionState) exists() bool {
	return st.id != "" || st.pending.begins() || st.sending.begins()
}

// value is the stored form of an attribute as this request sees it.
func (s *Session) value(name string) ([]byte, bool, error) {
	if s == nil {
		return nil, false, ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.state.value(name)
	return v, ok, nil
}

func (st *sessionState) value(name string) ([]byte, bool) {
	for _, c := range []*intent{&st.pending, &st.sending} {
		if change, ok := c.find(name); ok {
			return change.Value, !change.Delete
		}
	}
	if st.base == nil {
		return nil, false
	}
	return st.base.Get(name)
}

// change buffers one attribute's change.
func (s *Session) change(c replica.Change) error {
	if s == nil {
		return ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if err := st.closed(); err != nil {
		return err
	}
	delete(st.handed, c.Name)
	if _, sent := st.sending.find(c.Name); c.Delete && st.id == "" && !sent {
		st.pending.remove(c.Name) // as if it had never been set: deleting begins no session
		return nil
	}
	return st.pending.put(c)
}

// closed is why nothing can be changed any more, if so.
func (st *sessionState) closed() error {
	if st.phase == phaseOver || st.phase == phaseStarted && st.id == "" {
		return ErrResponseStarted
	}
	return nil
}

// ensureLoaded asks the store once per request, however many goroutines want the session. A failure sticks: the handler
// gets it from every use, and waits once.
func (s *Session) ensureLoaded() error {
	s.mu.Lock()
	st := &s.state
	st.asked = true
	switch {
	case st.err != nil || st.id == "" || st.base != nil:
		defer s.mu.Unlock()
		return st.err
	case s.loading != nil:
		loading := s.loading
		s.mu.Unlock()
		<-loading
		return s.ensureLoaded()
	}
	loading, id := make(chan struct{}), st.id
	s.loading = loading
	s.mu.Unlock()

	res, err := answer(s.load(id))

	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading = nil
	close(loading)
	if st.id == id { // not destroyed meanwhile
		st.loaded(res, err)
	}
	return st.err
}

// loaded takes the store's answer. That there is no such session, any more or ever, is an answer like others: the
// visitor has none.
func (st *sessionState) loaded(res replica.Result, err error) {
	switch {
	case replica.Gone(err):
		st.id, st.absent = "", err
	case err != nil:
		st.err = fmt.Errorf("load session %s: %w", replica.ShortID(st.id), err)
	case res.Session == nil:
		st.err = fmt.Errorf("load session %s: the store answered without it", replica.ShortID(st.id))
	default:
		st.base, st.ends, st.exact = res.Session, res.Session.Settings.Deadline, true
	}
}

// enter notes how far the response is.
func (s *Session) enter(p phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.phase = p
}

// takeNews is what the browser must learn, once, and whether the response may depend on the id that it sent.
func (s *Session) takeNews() (n notice, used bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if n, st.news = st.news, (notice{}); n.id != "" {
		n.age = st.cookieAge(s.manager, time.Now())
	}
	return n, st.asked || st.life > 0
}
