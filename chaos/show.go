package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/lab"
)

// Shown is what there is of a lab that is kept up.
type Shown struct {
	Name    string       `json:"name"`
	PID     int          `json:"pid"`
	Network string       `json:"network"`
	Dir     string       `json:"dir"`      // with the nodes' logs
	KeyFile string       `json:"key_file"` // of the cluster's key
	Nodes   []ShownNode  `json:"nodes"`
	Faults  []ShownFault `json:"faults"`            // that hold, oldest first; never nil
	Lacking string       `json:"lacking,omitempty"` // why the nodes are not one cluster with all copies
}

// Addresses are those of the nodes, as -node and client.Config.Nodes take them.
func (s *Shown) Addresses() []string {
	var all []string
	for i := range s.Nodes {
		all = append(all, s.Nodes[i].Address)
	}
	return all
}

// ShownNode is a node of a lab.
type ShownNode struct {
	Name    string   `json:"name"`
	Short   string   `json:"short"`
	Address string   `json:"address"`
	Process string   `json:"process"` // up, paused, killed, or ended by itself
	PID     int      `json:"pid,omitempty"`
	Answers bool     `json:"answers"` // the rest is what it says
	Ready   bool     `json:"ready"`
	Reason  string   `json:"reason,omitempty"` // why it is not ready, or does not answer
	Sees    []string `json:"sees,omitempty"`   // members, itself included
	Primary int      `json:"primary"`          // slots held as such
	Backup  int      `json:"backup"`
}

// What a node's process can be.
const (
	processUp     = "up"
	processPaused = "paused"
	processKilled = "killed"
	processEnded  = "ended by itself"
)

// ShownFault is a fault that holds.
type ShownFault struct {
	Kind    Kind       `json:"kind"`
	Text    string     `json:"text"`
	Since   time.Time  `json:"since"`
	Packets uint64     `json:"packets"`         // bitten: dropped or delayed
	Links   []lab.Bite `json:"links,omitempty"` // of a fault of the network; none for what befalls a process
}

// show is what there is now.
func (h *hand) show(ctx context.Context) Shown {
	s := Shown{Name: h.name, PID: h.pid, Network: h.network, Dir: h.dir, KeyFile: h.keyFile(), Faults: []ShownFault{}}
	for _, f := range h.holding() {
		s.Faults = append(s.Faults, f.shown())
	}
	var both sync.WaitGroup
	both.Go(func() { s.Nodes = h.look(ctx) })
	both.Go(func() { s.Lacking = h.lacking(ctx) })
	both.Wait()
	return s
}

func (f *held) shown() ShownFault {
	s := ShownFault{Kind: f.step.Kind, Text: f.step.sentence(), Since: f.since}
	for _, wound := range f.faults {
		bites, err := wound.Bites()
		if err != nil {
			s.Text += ": " + err.Error()
		}
		s.Links = append(s.Links, bites...)
	}
	for i, b := range s.Links {
		s.Packets += b.Packets + b.Lost
		s.Links[i].From, s.Links[i].To = shown(b.From), shown(b.To)
	}
	return s
}

// look asks every node that can answer how it is.
func (h *hand) look(ctx context.Context) []ShownNode {
	nodes := make([]ShownNode, len(h.members))
	var asking sync.WaitGroup
	for i, m := range h.members {
		n := &nodes[i]
		*n = ShownNode{Name: m.Name, Short: shortName(i + 1), Address: m.place.Addr(), PID: m.PID(), Process: h.processOf(m)}
		if n.Process != processUp {
			continue
		}
		asking.Go(func() {
			var s state
			if err := h.ask(ctx, m, "status", &s); err != nil {
				n.Reason = err.Error()
				return
			}
			n.Answers, n.Ready, n.Reason, n.Primary, n.Backup = true, s.Ready, s.Reason, s.Held.Primary, s.Held.Backup
			for _, member := range s.Members {
				n.Sees = append(n.Sees, member.Name)
			}
		})
	}
	asking.Wait()
	return nodes
}

func (h *hand) processOf(m *member) string {
	switch {
	case m.Died():
		return processEnded
	case m.PID() == 0:
		return processKilled
	case h.holds(m.Name, Pause) != nil:
		return processPaused
	}
	return processUp
}

// Sight is the node's state in a few words, of so many nodes.
func (n *ShownNode) Sight(nodes int) string {
	switch {
	case n.Process != processUp:
		return n.Process
	case !n.Answers:
		return "does not answer"
	case len(n.Sees) < nodes:
		text := fmt.Sprintf("sees %d of %d: %s", len(n.Sees), nodes, strings.Join(n.Sees, ", "))
		if !n.Ready {
			text += "; not ready: " + n.Reason
		}
		return text
	case !n.Ready:
		return "not ready: " + n.Reason
	}
	return fmt.Sprintf("sees all %d", nodes)
}
