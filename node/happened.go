package node

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// Happening is one thing that happened on a node or that it learnt of, as its console shows it.
type Happening struct {
	ID     uint64    `json:"id"`     // the same while further ones are added to it
	Number uint64    `json:"number"` // ascending; another after something was added
	At     time.Time `json:"at"`     // of the last
	What   string    `json:"what"`   // by the name under which it is logged
	Count  int       `json:"count"`  // of slots, members or sessions that it happened to
	Peer   string    `json:"peer,omitempty"`
	Grave  bool      `json:"grave,omitempty"` // an operator should look
}

// What a node notices besides the events of its slots.
const (
	happenedUp       = "member up"
	happenedDown     = "member down"
	happenedLeft     = "member left"
	happenedTurn     = "slot taken over" // by Peer, not this node, from another
	happenedConflict = "acknowledged write given up in a merge"
)

// graveKinds are what an operator should look at.
var graveKinds = map[string]bool{
	happenedDown: true, happenedConflict: true, string(failover.EventLost): true, string(failover.EventFenced): true,
	string(failover.EventClockOff): true, string(failover.EventClockDisputed): true, string(replica.EventDiffers): true,
}

const (
	// happenedMax bounds what is kept; the oldest goes first.
	happenedMax = 200
	// wakersMax bounds those who are woken when something happens.
	wakersMax = 64
	// happenedAlike is how long what happens again is added to what happened.
	happenedAlike = 2 * time.Second
)

// ErrWatchers is returned when too many follow what happens.
var ErrWatchers = errors.New("too many follow what happens on this node: end others first")

// happenings keeps what happened last. The node's mutex guards it.
type happenings struct {
	kept   []Happening // in the order of numbers
	number uint64
	wakers map[chan struct{}]bool
}

// add keeps what happened and wakes those who wait for it. What is like the one before it is added to that.
func (h *happenings) add(now time.Time, what, peer string, count int) {
	h.number++
	entry := Happening{ID: h.number, Number: h.number, At: now, What: what, Count: count, Peer: peer, Grave: graveKinds[what]}
	same := func(k Happening) bool {
		return k.What == what && k.Peer == peer && now.Sub(k.At) < happenedAlike
	}
	if i := slices.IndexFunc(h.kept, same); i >= 0 {
		entry.ID, entry.Count = h.kept[i].ID, h.kept[i].Count+count
		h.kept = slices.Delete(h.kept, i, i+1)
	}
	if len(h.kept) == happenedMax {
		h.kept = slices.Delete(h.kept, 0, 1)
	}
	h.kept = append(h.kept, entry)
	for w := range h.wakers {
		select {
		case w <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// Happened is what happened after the one of that number, oldest first, as far as it is kept; as JSON, see Happening. last is the
// number to ask with next.
func (n *Node) Happened(after uint64) (events []json.RawMessage, last uint64) {
	n.mu.Lock()
	kept := slices.Clone(n.happened.kept)
	n.mu.Unlock()
	last = after
	for _, h := range kept {
		if h.Number > after {
			events, last = append(events, marshal(h)), h.Number
		}
	}
	return events, last
}

// Wake gives a channel that holds something whenever something happened since it was last read. The caller ends that with stop.
// Error: ErrWatchers.
func (n *Node) Wake() (happened <-chan struct{}, stop func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.happened.wakers) >= wakersMax {
		return nil, nil, ErrWatchers
	}
	w := make(chan struct{}, 1)
	if n.happened.wakers == nil {
		n.happened.wakers = map[chan struct{}]bool{}
	}
	n.happened.wakers[w] = true
	return w, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.happened.wakers, w)
	}, nil
}

// happen keeps what happened. The node's mutex is held.
func (n *Node) happen(what string, peer replica.Boot, count int) {
	name := ""
	if peer != 0 {
		m, _ := n.core.Member(peer)
		name = m.Name
	}
	n.happened.add(timeOf(n.cfg.Clock().Wall), what, name, count)
}

// happenTo keeps what came and went between the members known and those of now, before the core is told. The mutex is held.
func (n *Node) happenTo(members []replica.Member) {
	find := func(in []replica.Member, b replica.Boot) bool {
		return slices.ContainsFunc(in, func(m replica.Member) bool { return m.Boot == b })
	}
	for _, m := range n.members {
		switch {
		case find(members, m.Boot):
		case n.core.HasLeft(m.Boot):
			n.happen(happenedLeft, m.Boot, 1)
		default:
			n.happen(happenedDown, m.Boot, 1)
		}
	}
	for _, m := range members {
		if m.Boot != n.self.Boot && !find(n.members, m.Boot) {
			n.happened.add(timeOf(n.cfg.Clock().Wall), happenedUp, m.Name, 1)
		}
	}
}

// happenTurns keeps which slots went from one node to another, as their new claims say. What this node takes over itself is an
// event of its core. The mutex is held.
func (n *Node) happenTurns(changed []replica.Claim) {
	taken := map[replica.Boot]int{}
	for _, c := range changed {
		if last := n.turns[c.Slot]; last != 0 && last != c.Primary && c.Primary != n.self.Boot {
			taken[c.Primary]++
		}
		n.turns[c.Slot] = c.Primary
	}
	for _, m := range n.core.Members() {
		if taken[m.Boot] > 0 {
			n.happen(happenedTurn, m.Boot, taken[m.Boot])
		}
	}
}
