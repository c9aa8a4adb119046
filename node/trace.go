package node

import (
	"log/slog"

	"github.com/sessnode/sessnode/replica"
)

// tracing reports whether the steps of single requests are logged. Everything that a line needs is made only then.
func (n *Node) tracing() bool { return n.log.Enabled(n.ctx, slog.LevelDebug) }

// traceTaken logs that a request came to be answered here, and keeps its id for the line of the answer.
func (n *Node) traceTaken(w *waiter, m *replica.Request) {
	id, key := m.Identity()
	if id.IsZero() || !n.tracing() {
		return
	}
	w.id = id
	n.log.Debug("request taken", "request", id.String(), "session", key.String(), "kind", kindNames[w.kind], "slot", w.slot)
}

// tracePassedOn logs that a request goes to the slot's primary.
func (n *Node) tracePassedOn(w *waiter, m *replica.Request) {
	id, key := m.Identity()
	if id.IsZero() || !n.tracing() {
		return
	}
	w.id = id
	to, _ := n.core.Member(w.to)
	n.log.Debug("request passed on", "request", id.String(), "session", key.String(), "slot", w.slot, "to", to.String())
}

// traceUpdate logs that a primary's entry came.
func (n *Node) traceUpdate(m *replica.Update) {
	if m.Entry.Request.IsZero() || len(m.Entry.Parts) == 0 || !n.tracing() {
		return
	}
	n.log.Debug("update taken", "request", m.Entry.Request.String(), "session", m.Entry.Parts[0].Session.Key.String(),
		"slot", m.Slot, "epoch", m.Epoch)
}

// traceAnswer logs what came of a request whose beginning was logged.
func (n *Node) traceAnswer(w *waiter, r *replica.Result) {
	if w.id.IsZero() {
		return
	}
	n.log.Debug("request answered", "request", w.id.String(), "kind", kindNames[w.kind], "slot", w.slot,
		"result", resultNames[min(r.Status, statusesMax-1)], "copies", r.Copies)
}
