package chaos

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// stage is what a run plays on.
type stage struct {
	*cluster
	recorder *history.Recorder
	asked    *slotCounts
	clients  []string
	now      func() time.Duration // since the run began
	say      func(format string, args ...any)

	tally    tally
	strain   strain       // as troubles
	troubles []string     // what went wrong at the end; used by one goroutine at a time
	deaf     atomic.Int64 // number of the last client that does not read

	mu      sync.Mutex         // guards the rest
	known   map[lostWrite]bool // conflicts recorded
	healed  []history.Split    // of which the end of the merge was not seen yet
	skipped []string           // faults that were not done, and why
	full    error              // events that did not fit into the history
}

// tally counts for who watches.
type tally struct{ asked, answered, read atomic.Int64 }

// note keeps the first error of recording an event.
func (s *stage) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full == nil && err != nil {
		s.full = err
	}
}

// heal notes a split that was mended, until its merge is seen.
func (s *stage) heal(split history.Split) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.healed = append(s.healed, split)
}

// settle waits until the nodes are one cluster again, and records the splits that are merged by that. Those that are not
// stay for the next time.
func (s *stage) settle(ctx context.Context, limit time.Duration) error {
	s.mu.Lock()
	waiting := len(s.healed) // what is mended while we look may not be merged
	s.mu.Unlock()
	if err := s.awaitWhole(ctx, limit); err != nil {
		return err
	}
	merged := s.now()
	s.mu.Lock()
	splits := s.healed[:waiting:waiting]
	s.healed = s.healed[waiting:]
	s.mu.Unlock()
	for _, split := range splits {
		split.Merged = max(merged, split.Until)
		s.note(s.recorder.Split(split))
	}
	return nil
}

// giveUp records the splits that were not merged when the wait for it ended: that is the earliest that it can have been.
func (s *stage) giveUp() {
	s.mu.Lock()
	splits := s.healed
	s.healed = nil
	s.mu.Unlock()
	for _, split := range splits {
		split.Merged = max(s.now(), split.Until)
		s.note(s.recorder.Split(split))
	}
}

// lostWrite names a conflict: several nodes may list the same one.
type lostWrite struct{ session, attr, lost string }

// conflictList is what a node says of the writes that it gave up.
type conflictList struct {
	Total uint64
	Kept  []struct{ App, Session, Attribute, Lost, Kept, Why string }
}

// collect records the conflicts that a node lists and nobody has listed before.
func (s *stage) collect(ctx context.Context, m *member) {
	var list conflictList
	if err := s.ask(ctx, m, "conflicts", &list); err != nil {
		s.note(s.recorder.Unlisted(fmt.Sprintf("%s did not tell its list at %.3f s: %v", m.Name, s.now().Seconds(), err)))
		return
	}
	if kept := uint64(len(list.Kept)); kept < list.Total {
		s.note(s.recorder.Unlisted(fmt.Sprintf("%s has dropped the oldest %d of its list", m.Name, list.Total-kept)))
	}
	for _, c := range list.Kept {
		name := lostWrite{c.App + "/" + c.Session, c.Attribute, c.Lost}
		if s.isKnown(name) {
			continue
		}
		s.note(s.recorder.Conflict(history.Conflict{Node: m.Name, Session: name.session, Attr: c.Attribute, Lost: c.Lost,
			Kept: c.Kept, Why: c.Why, At: s.now()}))
	}
}

// isKnown reports whether a conflict is recorded, and takes it to be from now on.
func (s *stage) isKnown(name lostWrite) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.known[name]
	s.known[name] = true
	return before
}

// collectAll is collect of every node.
func (s *stage) collectAll(ctx context.Context) {
	for _, m := range s.members {
		s.collect(ctx, m)
	}
}
