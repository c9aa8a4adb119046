package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Route is what some requests do differently from their manager.
type Route struct {
	// Timeout is for one load or commit while the session's slot has no primary, as for any other reason; at most 30 s.
	// A page that can do without its session fails at once with a limit that is a little longer than a healthy answer
	// takes, 100 ms say; an order waits through a failover with 10 s. A [Client] waits no longer than its own
	// Config.Timeout. Default: the manager's.
	Timeout time.Duration
	// OnError answers in the handler's place, as ManagerConfig.OnError does. Default: the manager's.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
}

// Validate reports a route that cannot work; the zero Route is valid.
func (route Route) Validate() error {
	if route.Timeout < 0 || route.Timeout > timeoutMax {
		return fmt.Errorf("route: Timeout is %v; it must be positive and at most %v", route.Timeout, timeoutMax)
	}
	return nil
}

// WrapWith is Wrap for requests that a route is for. Inside [Manager.Wrap] of the same manager it changes what holds for
// the request from there to its end, the commit included. It panics for a route that [Route.Validate] refuses.
func (m *Manager) WrapWith(route Route, next http.Handler) http.Handler {
	if err := route.Validate(); err != nil {
		panic("client: " + err.Error())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch s := FromContext(r.Context()); {
		case m.skip(r):
			next.ServeHTTP(w, r)
		case s != nil && s.manager == m:
			s.take(route)
			next.ServeHTTP(w, r)
		default:
			m.serve(w, r, route, next)
		}
	})
}

// take has the session follow a route from now on.
func (s *Session) take(route Route) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	st.timeout = cmp.Or(route.Timeout, st.timeout)
	if route.OnError != nil {
		st.onError = route.OnError
	}
}

// answerError has the route's hook answer a request.
func (s *Session) answerError(w http.ResponseWriter, r *http.Request, err error) {
	s.mu.Lock()
	onError := s.state.onError
	s.mu.Unlock()
	onError(w, r, err)
}

// serve has next answer one request, with a session.
func (m *Manager) serve(w http.ResponseWriter, r *http.Request, route Route, next http.Handler) {
	s := m.session(r)
	s.take(route)
	rec := newRecorder(w, r, s)
	defer rec.close()
	next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), contextKey{}, s)))
	rec.finish()
}

// answerError is the default OnError. The visitor learns nothing of the cluster.
func (m *Manager) answerError(w http.ResponseWriter, r *http.Request, err error) {
	m.log.Warn("session of a request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	switch {
	case errors.Is(err, ErrEndedMeanwhile):
		http.Error(w, "The session ended while the request ran.", http.StatusConflict)
	case errors.Is(err, replica.ErrLockLost):
		http.Error(w, "Another request has taken over the session. Please try again.", http.StatusConflict)
	case Unreachable(err):
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Sessions cannot be reached at the moment. Please try again.", http.StatusServiceUnavailable)
	default:
		http.Error(w, "The session could not be saved.", http.StatusInternalServerError)
	}
}
