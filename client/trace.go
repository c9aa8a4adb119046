package client

import (
	"context"
	"log/slog"

	"github.com/sessnode/sessnode/replica"
)

// tracing reports whether the steps of single requests are logged. Everything that a line needs is made only then.
func (c *Client) tracing() bool { return c.conf.Log.Enabled(context.Background(), slog.LevelDebug) }

// traceAsked logs that a request was sent to a node, for the attempt given.
func (c *Client) traceAsked(m *replica.Request, addr string, attempt int) {
	if id, key := m.Identity(); !id.IsZero() && c.tracing() {
		c.conf.Log.Debug("request asked", "request", id.String(), "session", key.String(), "node", addr, "attempt", attempt)
	}
}

// traceEnded logs what came of a request.
func (c *Client) traceEnded(m *replica.Request, attempts int, r *replica.Result, err error) {
	id, key := m.Identity()
	if id.IsZero() || !c.tracing() {
		return
	}
	args := []any{"request", id.String(), "session", key.String(), "attempts", attempts}
	if err == nil {
		err = r.Err()
	}
	if err != nil {
		c.conf.Log.Debug("request ended", append(args, "error", err)...)
		return
	}
	c.conf.Log.Debug("request ended", append(args, "copies", r.Copies)...)
}
