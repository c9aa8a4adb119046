package client

import (
	"context"
	"fmt"

	"github.com/sessnode/sessnode/replica"
)

// WithoutWaiting is ctx for requests to a [Store] that would rather fail at once than wait: with an error that is
// replica.ErrUnavailable when the session's slot has no serving primary or no node can be asked, and when the node that was
// asked has not answered a load or commit after 300 ms. The context of a request that goes through [Manager.Wrap] hands it
// on, so each route decides for itself:
//
//	hasty := func(next http.Handler) http.Handler {
//		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
//			next.ServeHTTP(w, r.WithContext(client.WithoutWaiting(r.Context())))
//		})
//	}
//	http.Handle("/suggest", hasty(sessions.Wrap(suggest)))
//
// Whether a commit that failed so takes effect is unknown, unless nobody was asked; a [Client] says so with
// ErrOutcomeUnknown. Clients obey and nodes in the same process do; a store that never waits need not.
func WithoutWaiting(ctx context.Context) context.Context { return replica.WithoutWaiting(ctx) }

// errNoWaiting ends a request that would have to wait.
var errNoWaiting = fmt.Errorf("%w, and the caller does not wait", replica.ErrUnavailable)
