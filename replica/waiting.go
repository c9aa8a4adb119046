package replica

import "context"

// waitingKey is where a context says that its requests do not wait.
type waitingKey struct{}

// WithoutWaiting is ctx for requests that would rather fail with ErrUnavailable, at once, than wait until their slot has a
// serving primary again.
func WithoutWaiting(ctx context.Context) context.Context {
	return context.WithValue(ctx, waitingKey{}, true)
}

// Waits reports whether the requests of ctx wait for a serving primary. They do unless WithoutWaiting made it.
func Waits(ctx context.Context) bool { return ctx.Value(waitingKey{}) == nil }
