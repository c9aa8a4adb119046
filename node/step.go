package node

import (
	"log/slog"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// tickEvery is the interval at which the core is told that time has passed.
const tickEvery = 10 * time.Millisecond

// tick drives the core until the node is closed. It owns the ticker; Close joins it.
func (n *Node) tick() {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
		n.mu.Lock()
		now := n.cfg.Clock()
		n.core.Tick(now, &n.effects)
		n.dispatch()
		if n.tidings() != n.told {
			n.gossip.wake()
		}
		n.expireForwards(now)
		n.publish()
		n.mu.Unlock()
	}
}

// outgoing lets a message append itself to a lane's queue. The node has one and reuses it: Conn.Send does not keep it.
type outgoing struct {
	msg replica.Message
	now time.Duration
}

// AppendFrame encodes the message.
func (o *outgoing) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, o.msg, o.now) }

// dispatch carries the effects of a step out: it queues the messages in their order and hands the answers over. It
// never blocks. The mutex is held, so that messages of one slot are queued in the order of its steps.
func (n *Node) dispatch() {
	now := n.cfg.Clock()
	n.out.now = now.Mono
	for _, e := range n.effects.Send {
		if c := n.conns[e.To]; c != nil {
			_ = n.queue(c, n.lane(c, e.Msg), e.Msg) // what is lost is sent again by whoever misses the answer
		}
	}
	for _, d := range n.effects.Done {
		n.finish(now, d.Token, d.Result)
	}
	n.note(n.effects.Events)
	n.noteConflicts(n.effects.Conflicts)
	n.effects.Reset()
}

func (n *Node) queue(c *wire.Conn, lane int, m replica.Message) error {
	n.out.msg = m
	return c.Send(lane, &n.out)
}

// lane chooses how a message travels: what belongs to the log of a slot on the lane of that slot, in order; whole
// sessions in quantity on the last one; everything else on the first, which nothing large holds up.
func (n *Node) lane(c *wire.Conn, m replica.Message) int {
	switch m := m.(type) {
	case *replica.Update:
		return logLane(c, m.Slot)
	case *replica.Ack:
		return logLane(c, m.Slot)
	case *replica.HandOff:
		return logLane(c, m.Slot)
	case *replica.Check: // behind the updates that it was made after
		return logLane(c, m.Slot)
	case *replica.Fetched:
		return logLane(c, m.Slot)
	case *replica.Fenced:
		return logLane(c, m.Claim.Slot)
	case *replica.Claims:
		if len(m.Claims) == 1 {
			return logLane(c, m.Claims[0].Slot)
		}
	case *replica.Snapshot, *replica.SnapshotReply, *replica.Offer, *replica.OfferReply, *replica.Tail:
		return c.Lanes() - 1
	}
	return 0
}

// logLane is one of the lanes between the first and the last.
func logLane(c *wire.Conn, slot uint32) int {
	if c.Lanes() < 3 {
		return 0
	}
	return 1 + int(slot)%(c.Lanes()-2)
}

// quietKinds are the events of single sessions, of which there may be very many.
var quietKinds = map[replica.EventKind]bool{replica.EventExpired: true, replica.EventMerged: true}

// note logs the events of one step, those of a kind that concern the same peer as one line: a death moves hundreds of
// slots at once.
func (n *Node) note(events []replica.Event) {
	for _, e := range events {
		n.events[e.Kind]++
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
	level := slog.LevelInfo
	switch {
	case quietKinds[e.Kind]:
		level = slog.LevelDebug
	case e.Kind == failover.EventLost:
		level = slog.LevelError // sessions are gone
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
