package node

import (
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// watchersMax bounds the clients that are told of every change of the layout.
const watchersMax = 4096

// watch tells a client the layout now and every change from here on.
func (n *Node) watch(s *source, c *wire.Conn) {
	if len(n.watchers) >= watchersMax {
		c.Close("too many clients watch the layout: ask another node")
		return
	}
	s.conn = c
	n.watchers[s], n.watchersNew = true, true
}

// publish gives up what was passed on to members that are primary no more, and tells every watcher what changed since
// the last time. A watcher that does not read is cut off.
func (n *Node) publish() {
	changed := n.core.TakeChanged()
	n.happenTurns(changed)
	if len(changed) > 0 {
		n.failMoved()
	}
	news := len(changed) > 0 || n.membersChanged
	n.membersChanged = false
	if !news && !n.watchersNew || len(n.watchers) == 0 || n.core.Cluster() == 0 {
		return
	}
	n.watchersNew = false
	all := &replica.Layout{Cluster: n.core.Cluster(), Slots: uint32(n.cfg.Slots), Members: n.core.Members()}
	some := *all
	some.Claims = withoutLineage(changed)
	for s, fresh := range n.watchers {
		m := &some
		switch {
		case fresh:
			if all.Claims == nil {
				all.Claims = withoutLineage(n.core.Claims())
			}
			m = all
			n.watchers[s] = false
		case !news:
			continue
		}
		if n.queue(s.conn, 0, m) != nil {
			delete(n.watchers, s)
			s.conn.Close("layout changes are not being read")
		}
	}
}

// withoutLineage takes from claims, in place, what clients have no use for.
func withoutLineage(claims []replica.Claim) []replica.Claim {
	for i := range claims {
		claims[i].Lineage = nil
	}
	return claims
}
