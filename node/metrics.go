package node

import (
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// Metrics is what a node counted since its start, and how it stands at this moment. It is the caller's.
type Metrics struct {
	// Status is what Status tells, but its Held may be of moments that lie a little apart.
	Status Status

	Requests []RequestMetrics // one for each kind, the same order each time
	// Copies counts the commits that were done, by the copies that held them when they were answered: Copies[2] on two nodes.
	Copies   []uint64
	PassedOn uint64 // requests that another node answered, because it is the slot's primary
	InFlight int    // requests under way, those passed on included
	Clients  int    // that are told of changes of the layout

	Serving      int // slots whose requests this node answers: it is primary and its lease holds
	Backlog      replica.Backlog
	LocksHeld    int
	LocksWaiting int // requests that wait for one

	// Promotions is, for each slot that this node took over, how long its primary had been silent.
	Promotions Histogram
	// Counts of what happened to slots of this node.
	Evicted, Restored, HandedOver, Fenced, Lost, Revived uint64
	Repaired                                             uint64 // copies that differed and were made equal
	Differed                                             uint64 // copies on this node that were found to differ
	Expired                                              uint64 // sessions
}

// RequestMetrics is the requests of one kind that this node answered itself, as primary, or refused.
type RequestMetrics struct {
	Kind    string            // load, commit, destroy, lock or list
	Results map[string]uint64 // by the name of the status, see ResultNames; "ok" is always there
	Took    Histogram         // from arrival to answer; what was refused on arrival is not in it
}

// Histogram counts durations.
type Histogram struct {
	Buckets []Bucket // ascending
	Count   uint64
	Sum     time.Duration
}

// Bucket counts the durations that do not exceed a bound.
type Bucket struct {
	Max   time.Duration
	Count uint64
}

// resultNames are the statuses as metrics name them; what is missing is "other".
var resultNames = [statusesMax]string{
	replica.StatusOK: "ok", replica.StatusNotFound: "not_found", replica.StatusDestroyed: "destroyed",
	replica.StatusExists: "exists", replica.StatusChanged: "changed", replica.StatusTooLarge: "too_large",
	replica.StatusBadRequest: "bad_request", replica.StatusNotPrimary: "not_primary",
	replica.StatusUnavailable: "unavailable", replica.StatusNotEnoughCopies: "not_enough_copies",
	replica.StatusOverloaded: "overloaded", replica.StatusTooLate: "too_late",
	replica.StatusOverCapacity: "over_capacity", replica.StatusForbidden: "forbidden", replica.StatusLocked: "locked",
	replica.StatusLockLost: "lock_lost", replica.StatusExpired: "expired", replica.StatusTooMany: "too_many",
}

// ResultNames lists the results that requests can have, "ok" first.
func ResultNames() []string {
	var all []string
	for _, name := range resultNames {
		if name != "" {
			all = append(all, name)
		}
	}
	return append(all, "other")
}

// Metrics visits every session that the node holds, one slot at a time, so that requests pass in between.
func (n *Node) Metrics() Metrics {
	var m Metrics
	for slot := range uint32(n.cfg.Slots) {
		n.addStanding(&m, slot)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	held := m.Status.Held
	m.Status = n.overview()
	m.Status.Held = held
	m.Status.Warnings = warnings(&m.Status)
	for k := range kinds {
		m.Requests = append(m.Requests, n.tally.requests(k))
	}
	m.Copies = append(m.Copies, n.tally.copies[:]...)
	m.PassedOn, m.InFlight, m.Clients = n.tally.passedOn, len(n.waiters), len(n.watchers)
	m.Promotions = n.tally.promoted.histogram()
	m.Evicted, m.Restored = n.events[failover.EventEvicted], n.events[failover.EventRestored]
	m.HandedOver, m.Fenced = n.events[failover.EventMoved], n.events[failover.EventFenced]
	m.Lost, m.Revived = n.events[failover.EventLost], n.events[failover.EventRevived]
	m.Repaired, m.Differed = n.events[replica.EventRepaired], n.events[replica.EventDiffers]
	m.Expired = n.events[replica.EventExpired]
	return m
}

// addStanding adds one slot.
func (n *Node) addStanding(m *Metrics, slot uint32) {
	n.mu.Lock()
	s := n.core.Standing(n.cfg.Clock(), slot)
	n.mu.Unlock()
	m.Status.Held.add(s.Role, s.Sessions, s.Bytes)
	m.Serving += oneIf(s.Serving)
	m.Backlog.Entries += s.Backlog.Entries
	m.Backlog.Bytes += s.Backlog.Bytes
	m.Backlog.Behind = max(m.Backlog.Behind, s.Backlog.Behind)
	m.LocksHeld += s.LocksHeld
	m.LocksWaiting += s.LocksWaiting
}

// requests is what was counted of one kind.
func (t *tally) requests(k kind) RequestMetrics {
	r := RequestMetrics{Kind: kindNames[k], Results: map[string]uint64{"ok": 0}, Took: t.took[k].histogram()}
	for status, count := range t.results[k] {
		switch name := resultNames[status]; {
		case count == 0:
		case name == "":
			r.Results["other"] += count
		default:
			r.Results[name] += count
		}
	}
	return r
}
