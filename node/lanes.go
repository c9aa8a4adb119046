package node

import (
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// The lanes of a connection. Nearly everything gathers on the second one, since what fills a packet saves one. What is large
// takes another, so that it does not hold that up.
const controlLane = 0 // what nothing may hold up

func smallLane(c *wire.Conn) int { return min(1, c.Lanes()-1) }

func largeLane(c *wire.Conn) int { return min(2, c.Lanes()-1) }

func bulkLane(c *wire.Conn) int { return c.Lanes() - 1 } // whole sessions in quantity

// largeLog names a slot's log on one connection.
type largeLog struct {
	conn *wire.Conn
	slot uint32
}

// largeLogs are the logs that travel on the large lane, because an entry there was large, each with its newest entry. The rest
// of such a log follows until the backup has it all: order holds within a lane only.
type largeLogs map[largeLog]uint64

// took notes on which lane an entry went.
func (l largeLogs) took(log largeLog, seq uint64, large bool) {
	if large {
		l[log] = seq
	}
}

// acked notes up to where a backup has the log.
func (l largeLogs) acked(log largeLog, head uint64) {
	if newest, large := l[log]; large && head >= newest {
		delete(l, log)
	}
}

// forget drops what is known of a connection that has ended.
func (l largeLogs) forget(c *wire.Conn) {
	for log := range l {
		if log.conn == c {
			delete(l, log)
		}
	}
}

// outgoing lets a message append itself to a lane's queue. The node has one and reuses it: connections do not keep it.
type outgoing struct {
	msg replica.Message
	now time.Duration

	reply   replica.Reply   // room for msg
	request replica.Request // the same
}

// AppendFrame encodes the message.
func (o *outgoing) AppendFrame(b []byte) []byte { return wire.AppendMessage(b, o.msg, o.now) }

// queue puts a message on a lane.
func (n *Node) queue(c *wire.Conn, lane int, m replica.Message) error {
	n.out.msg = m
	return c.Send(lane, &n.out)
}

// queueAny puts a message that need not stay behind others on the lane for its size.
func (n *Node) queueAny(c *wire.Conn, m replica.Message) error {
	n.out.msg = m
	_, err := c.SendBySize(smallLane(c), largeLane(c), &n.out)
	return err
}

// queueLog puts what belongs to the log of a slot behind what was sent of it before.
func (n *Node) queueLog(c *wire.Conn, slot uint32, m replica.Message) error {
	n.out.msg = m
	log, lane := largeLog{c, slot}, smallLane(c)
	if _, large := n.large[log]; large {
		lane = largeLane(c)
	}
	lane, err := c.SendBySize(lane, largeLane(c), &n.out)
	if u, ok := m.(*replica.Update); ok && err == nil && smallLane(c) != largeLane(c) {
		n.large.took(log, u.Entry.Seq, lane == largeLane(c))
	}
	return err
}

// send queues a message for another member. What belongs to the log of a slot stays in order; whole sessions in quantity go
// on the last lane; everything else on the first, which nothing large holds up.
func (n *Node) send(c *wire.Conn, m replica.Message) error {
	switch m := m.(type) {
	case *replica.Update:
		return n.queueLog(c, m.Slot, m)
	case *replica.Ack:
		return n.queueLog(c, m.Slot, m)
	case *replica.HandOff:
		return n.queueLog(c, m.Slot, m)
	case *replica.Check: // behind the updates that it was made after
		return n.queueLog(c, m.Slot, m)
	case *replica.Fetched:
		return n.queueLog(c, m.Slot, m)
	case *replica.Fenced:
		return n.queueLog(c, m.Claim.Slot, m)
	case *replica.Claims:
		if len(m.Claims) == 1 {
			return n.queueLog(c, m.Claims[0].Slot, m)
		}
	case *replica.Snapshot, *replica.SnapshotReply, *replica.Offer, *replica.OfferReply, *replica.Tail:
		return n.queue(c, bulkLane(c), m)
	}
	return n.queue(c, controlLane, m)
}
