package node

import (
	"context"
	"time"

	"github.com/sessnode/sessnode/failover"
)

const (
	// DrainDeadlineDefault is how long a node that is told to stop hands over what it holds before it leaves.
	DrainDeadlineDefault = 25 * time.Second
	// LeaveAtOnce is the value of Config.DrainDeadline of a node that leaves without draining.
	LeaveAtOnce time.Duration = -1
	// drainLogEvery is how often the progress of draining is logged.
	drainLogEvery = time.Second
)

// Drain makes the node hand over everything that it holds and then leave, which ends Run. It returns nil when the node
// has left, ErrClosed when it was closed before, and the error of ctx when that is done first: the node goes on draining.
func (n *Node) Drain(ctx context.Context) error {
	n.mu.Lock()
	n.startDraining()
	n.mu.Unlock()
	select {
	case <-n.left:
		return nil
	case <-n.ctx.Done():
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-n.left: // and then closed
		return nil
	default:
		return ErrClosed
	}
}

// Draining is closed when the node begins to hand over what it holds, whoever told it to.
func (n *Node) Draining() <-chan struct{} { return n.drain }

// startDraining begins to hand over, once, and wakes Run, which waits for the end of it. The node's mutex is held.
func (n *Node) startDraining() {
	if n.draining {
		return
	}
	n.draining = true
	n.core.Drain()
	n.gossip.wake() // follow tells the others, and computes home without this node
	n.log.Info("draining: handing over what this node holds")
	close(n.drain)
}

// handOver waits until nothing is left to hand over, or ctx is done or the node closed.
func (n *Node) handOver(ctx context.Context) (all bool) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var told time.Duration
	for {
		n.mu.Lock()
		now := n.cfg.Clock()
		done := n.core.Drained()
		if !done && now.Mono-told >= drainLogEvery {
			told = now.Mono
			n.logDraining(n.core.Progress(now))
		}
		n.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		case <-n.ctx.Done():
			return false
		}
	}
}

func (n *Node) logDraining(p failover.Progress) {
	args := []any{"slots_left", p.Left, "moving", p.Moving + p.Restoring}
	if p.LeftBytes > 0 {
		args = append(args, "bytes_left", p.LeftBytes)
	}
	if p.Waiting != "" {
		args = append(args, "waiting", p.Waiting)
	}
	n.log.Info("draining", args...)
}

// drainAndLeave ends a run in good order: it hands over what it can before the deadline, and leaves.
func (n *Node) drainAndLeave() {
	if n.cfg.DrainDeadline > 0 {
		n.mu.Lock()
		n.startDraining()
		n.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), n.cfg.DrainDeadline)
		defer cancel()
		if !n.handOver(ctx) && n.ctx.Err() == nil {
			n.mu.Lock()
			left := n.core.Progress(n.cfg.Clock()).Left
			n.mu.Unlock()
			n.log.Warn("leaving before everything is handed over: the backups take over the rest",
				"slots_left", left, "drain_deadline", n.cfg.DrainDeadline)
		}
	}
	n.leave()
	close(n.left)
}
