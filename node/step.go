package node

import (
	"log/slog"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// tickEvery is how soon news of the layout is told, and how often it is looked whether something that was waited for has
// happened.
const tickEvery = 10 * time.Millisecond

// tick tells the core that time has passed, whenever the core wants to be told, until the node is closed. Close joins it.
func (n *Node) tick() {
	defer n.ticker.Stop()
	for {
		select {
		case <-n.ticker.C:
		case <-n.ctx.Done():
			return
		}
		n.mu.Lock()
		now := n.cfg.Clock()
		n.ticked, n.due = now.Mono, noTick
		n.core.Tick(now, &n.effects)
		n.dispatch(now)
		if n.tidings() != n.told {
			n.gossip.wake()
		}
		n.expireForwards(now)
		n.overload.look(now.Mono)
		n.publish()
		n.hasten(now)
		n.mu.Unlock()
	}
}

// noTick is the due time of a tick that nobody has asked for.
const noTick = time.Duration(1<<63 - 1)

// hasten has the next tick come when the core wants it, or there is news of the layout to tell, unless it comes before that.
// Every step may have brought it nearer. The mutex is held.
func (n *Node) hasten(now replica.Instant) {
	due := n.core.Next()
	if n.membersChanged || n.watchersNew {
		due = min(due, n.ticked+tickEvery)
	}
	if due < n.due {
		n.due = due
		n.ticker.Reset(max(due-now.Mono, 0))
	}
}

// dispatch carries the effects of a step out: it queues the messages in their order and hands the answers over. It
// never blocks. The mutex is held, so that messages of one slot are queued in the order of its steps.
func (n *Node) dispatch(now replica.Instant) {
	n.out.now = now.Mono
	for _, e := range n.effects.Send {
		if c := n.conns.to(e.To); c != nil {
			_ = n.send(c, e.Msg) // what is lost is sent again by whoever misses the answer
		}
	}
	for _, d := range n.effects.Done {
		n.finish(now, d.Token, d.Result)
	}
	n.note(n.effects.Events)
	n.noteConflicts(n.effects.Conflicts)
	n.effects.Reset()
	n.hasten(now)
}

// quietKinds are the events of single sessions, of which there may be very many.
var quietKinds = map[replica.EventKind]bool{replica.EventExpired: true, replica.EventMerged: true}

// clockKinds are the events of this node's own clock for which an operator has to do something.
var clockKinds = map[replica.EventKind]bool{failover.EventClockOff: true, failover.EventClockDisputed: true}

// note logs the events of one step, those of a kind that concern the same peer as one line: a death moves hundreds of
// slots at once.
func (n *Node) note(events []replica.Event) {
	for _, e := range events {
		n.events[e.Kind]++
		if e.Kind == failover.EventPromoted {
			n.tally.promoted.add(time.Duration(e.Count) * time.Millisecond)
		}
	}
	for len(events) > 0 {
		first, same, rest := events[0], 1, events[:0:0]
		for _, e := range events[1:] {
			if e.Kind == first.Kind && e.Peer == first.Peer {
				same++
			} else {
				rest = append(rest, e)
			}
		}
		n.noteOne(first, same)
		events = rest
	}
}

// noteOne logs an event that happened to as many slots.
func (n *Node) noteOne(e replica.Event, slots int) {
	if e.Kind != replica.EventExpired {
		n.happen(string(e.Kind), e.Peer, slots)
	}
	level := slog.LevelInfo
	switch {
	case quietKinds[e.Kind]:
		level = slog.LevelDebug
	case e.Kind == failover.EventLost:
		level = slog.LevelError // sessions are gone
	case clockKinds[e.Kind]:
		level = slog.LevelWarn
	}
	args := []any{"slots", slots}
	switch {
	case e.Epoch == 0: // concerns no slot
		args = nil
	case slots == 1:
		args = []any{"slot", e.Slot, "epoch", e.Epoch}
	}
	if e.Peer != 0 {
		m, _ := n.core.Member(e.Peer)
		args = append(args, "peer", m.String())
	}
	switch e.Kind {
	case failover.EventPromoted, failover.EventEvicted:
		args = append(args, "silent_ms", e.Count)
	case failover.EventClockOff, failover.EventClockDisputed:
		_, ahead := n.core.ClockState()
		args = []any{"ahead_ms", ahead.Milliseconds(), "remedy", "check NTP"}
	case failover.EventFounded:
		args = append(args, "members", e.Count)
	case replica.EventMerged:
		args = append(args, "sessions", e.Count)
	}
	if e.Key.ID != "" {
		args = append(args, "session", e.Key.String())
	}
	n.log.Log(n.ctx, level, string(e.Kind), args...)
}
