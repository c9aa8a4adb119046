package node

import "github.com/sessnode/sessnode/replica"

// kind is what a request asks for.
type kind uint8

const (
	kindLoad kind = iota
	kindCommit
	kindDestroy
	kindLock
	kindList
	kinds
)

// kindNames are the kinds as Metrics has them.
var kindNames = [kinds]string{"load", "commit", "destroy", "lock", "list"}

// kindOf is what a valid request asks for; of one that asks for nothing, a load.
func kindOf(m *replica.Request) kind {
	switch {
	case m.Commit != nil && m.Commit.Destroy:
		return kindDestroy
	case m.Commit != nil:
		return kindCommit
	case m.Lock != nil:
		return kindLock
	case m.List != nil:
		return kindList
	}
	return kindLoad
}

// statusesMax bounds the statuses that are told apart; those beyond it count as the last.
const statusesMax = 32

// copiesMax is the most copies that a commit can have.
const copiesMax = 3

// tally counts what the node does, by plain additions under the node's mutex.
type tally struct {
	results  [kinds][statusesMax]uint64 // of requests that this node's core answered, or that it refused itself
	took     [kinds]durations           // of those that the core answered
	copies   [copiesMax + 1]uint64      // of commits that were done, those of logouts included
	passedOn uint64                     // requests that another node answered
	promoted durations                  // how long the primary had been silent that this node took over from
}

// answered counts one request.
func (t *tally) answered(w *waiter, r *replica.Result) {
	if w.to != 0 {
		t.passedOn++
		return
	}
	t.results[w.kind][min(r.Status, statusesMax-1)]++
	if r.Status == replica.StatusOK && (w.kind == kindCommit || w.kind == kindDestroy) {
		t.copies[min(max(r.Copies, 0), copiesMax)]++
	}
}
