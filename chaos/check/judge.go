package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Limits are the times that a judgement allows for. Zero means the default.
type Limits struct {
	// Rejoin is how long after a heal the sides may go on apart, where nobody saw when they merged. Default 30 s.
	Rejoin time.Duration
	// Restore is how long the cluster may take to restore copies after a crash. Default 30 s.
	Restore time.Duration
	// ExpiryLate is how late a session may expire, beyond its idle time-out and the touch interval, which is 10 s or a
	// quarter of a short idle time-out. Default 2 s.
	ExpiryLate time.Duration
	// Converge is how long after the last heal the nodes may give different answers. Default 30 s.
	Converge time.Duration
	// Search bounds the search for linearizations, all registers together. Default 30 s.
	Search time.Duration
	// Gaps are the longest times that a session may be without an answer because of a fault, by the kind of fault, such as
	// 1.6 s for history.Kill. Kinds that are missing, and empty gaps, have no limit.
	Gaps map[string]time.Duration
}

// Validate reports a time below zero.
func (l Limits) Validate() error {
	for name, d := range map[string]time.Duration{
		"Rejoin": l.Rejoin, "Restore": l.Restore, "ExpiryLate": l.ExpiryLate, "Converge": l.Converge, "Search": l.Search,
	} {
		if d < 0 {
			return fmt.Errorf("check: limit %s of %v; choose zero or more", name, d)
		}
	}
	return nil
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit *time.Duration
		value time.Duration
	}{
		{&l.Rejoin, 30 * time.Second}, {&l.Restore, 30 * time.Second}, {&l.ExpiryLate, 2 * time.Second},
		{&l.Converge, 30 * time.Second}, {&l.Search, 30 * time.Second},
	} {
		if *d.limit == 0 {
			*d.limit = d.value
		}
	}
	return l
}

// Judge looks at one history. It reads the history and changes nothing; its checkers may run side by side.
type Judge struct {
	h        *history.History
	limits   Limits
	windows  []window
	harms    []harm
	end      time.Duration // no event is later
	sessions []*session    // ascending by name
	byName   map[string]*session
}

// session is all that concerns one session.
type session struct {
	name    string
	ops     []*history.Operation // ascending by Invoked
	finals  []*history.Final     // those that were answered, ascending by Returned
	refused int                  // final reads that were not answered
}

// New prepares a judgement. The error says which limit, or which event of the history, makes no sense.
func New(h *history.History, l Limits) (*Judge, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if err := h.Validate(); err != nil {
		return nil, err
	}
	j := &Judge{h: h, limits: l.withDefaults(), byName: make(map[string]*session)}
	for i := range h.Splits {
		j.windows = append(j.windows, windowOf(&h.Splits[i], j.limits.Rejoin))
	}
	j.harms = harmsOf(h)
	j.index()
	j.end = h.Run.Length
	for _, o := range h.Operations {
		j.end = max(j.end, o.Returned)
	}
	for _, f := range h.Finals {
		j.end = max(j.end, f.Returned)
	}
	return j, nil
}

// index sorts the history by sessions.
func (j *Judge) index() {
	for i := range j.h.Operations {
		o := &j.h.Operations[i]
		if o.Session != "" {
			s := j.session(o.Session)
			s.ops = append(s.ops, o)
		}
	}
	for i := range j.h.Finals {
		f := &j.h.Finals[i]
		if s := j.session(f.Session); f.Error != "" {
			s.refused++
		} else {
			s.finals = append(s.finals, f)
		}
	}
	slices.SortFunc(j.sessions, func(a, b *session) int { return strings.Compare(a.name, b.name) })
	for _, s := range j.sessions {
		slices.SortStableFunc(s.ops, func(a, b *history.Operation) int { return int(a.Invoked - b.Invoked) })
		slices.SortStableFunc(s.finals, func(a, b *history.Final) int { return int(a.Returned - b.Returned) })
	}
}

func (j *Judge) session(name string) *session {
	s := j.byName[name]
	if s == nil {
		s = &session{name: name}
		j.byName[name] = s
		j.sessions = append(j.sessions, s)
	}
	return s
}

// All is the verdict of every checker, in the order of the guarantees.
func (j *Judge) All() []Verdict {
	return []Verdict{
		j.Lost(), j.Resurrected(), j.Locks(), j.Stale(), j.Linearizable(), j.Healed(), j.Counters(), j.Expiry(), j.Converged(),
		j.Available(),
	}
}

// mayCount is the operations of a kind that took effect or may have.
func (s *session) mayCount(kinds ...history.Kind) []*history.Operation {
	var found []*history.Operation
	for _, o := range s.ops {
		if slices.Contains(kinds, o.Kind) && o.MayCount() {
			found = append(found, o)
		}
	}
	return found
}

// writes is the operations that set an attribute or may have, by the attribute; "" is the session's creation.
func (s *session) writes() map[string][]*history.Operation {
	found := make(map[string][]*history.Operation)
	for _, o := range s.ops {
		if (o.Writes() || o.Kind == history.Create) && o.MayCount() {
			found[o.Attr] = append(found[o.Attr], o)
		}
	}
	return found
}

// last is the last answered final read from each node, ascending by node.
func (s *session) last() []*history.Final {
	byNode := make(map[string]*history.Final)
	for _, f := range s.finals {
		byNode[f.Node] = f
	}
	var all []*history.Final
	for _, node := range sortedKeys(byNode) {
		all = append(all, byNode[node])
	}
	return all
}

// asOperation is a final read as an operation without a number.
func asOperation(f *history.Final) *history.Operation {
	return &history.Operation{
		Call:    history.Call{Client: "final read of " + f.Node, Kind: history.Load, Session: f.Session, Peek: true},
		Answer:  history.Answer{Outcome: history.OK, Gone: f.Gone, Seen: f.Attrs, Node: f.Node},
		Invoked: f.Invoked, Returned: f.Returned,
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// latest is the last moment at which an operation may have taken effect.
func (j *Judge) latest(o *history.Operation) time.Duration {
	switch {
	case o.Outcome != history.Unknown:
		return o.Returned
	case o.NotAfter > 0:
		return max(o.NotAfter, o.Invoked)
	}
	return never
}
