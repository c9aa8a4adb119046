package node

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

const (
	// consoleFresh is for how long what the console shows is shown again, so that many who look cost what one does.
	consoleFresh = 500 * time.Millisecond
	// censusFresh is the same for the sessions held, each of which must be visited.
	censusFresh = 10 * time.Second
)

// console keeps what was shown last.
type console struct {
	mu      sync.Mutex // guards the rest; taken before the node's own
	shown   map[string]json.RawMessage
	at      time.Duration // Instant.Mono of shown
	held    HeldStatus
	counted time.Duration // Instant.Mono of held
	known   bool          // held was counted
}

// Layout is who holds which slot, and where home is, as the console draws it. Members are named by their place in Names.
type Layout struct {
	Names   []string `json:"names"`
	Primary []int    `json:"primary"` // by slot; -1: nobody
	Backups [][]int  `json:"backups"` // by slot
	Home    [][]int  `json:"home"`    // by slot, the primary first
	State   []int    `json:"state"`   // by slot: its place in States
	States  []string `json:"states"`
}

// Console is what the page of the admin listener shows, by the names of its parts: "status", see Status, whose Held may be ten
// seconds old; "pulse", see PulseStatus; "layout", see Layout; "top", see Top. The answer is shared: do not modify it.
func (n *Node) Console() map[string]json.RawMessage {
	n.console.mu.Lock()
	defer n.console.mu.Unlock()
	now := n.cfg.Clock().Mono
	if n.console.shown != nil && now-n.console.at < consoleFresh {
		return n.console.shown
	}
	n.count(now)
	n.mu.Lock()
	s := n.overview()
	s.Held = n.console.held
	s.Warnings = warnings(&s)
	pulse, top, layout := n.tally.pulse(now-n.bootedAt), n.topStatus(), n.layout()
	n.mu.Unlock()
	n.console.at, n.console.shown = now, map[string]json.RawMessage{
		"status": marshal(s), "pulse": marshal(pulse), "top": marshal(top), "layout": marshal(layout),
	}
	return n.console.shown
}

// count counts the sessions held, unless that was done a moment ago; slot by slot, so that nothing waits long.
func (n *Node) count(now time.Duration) {
	if n.console.known && now-n.console.counted < censusFresh {
		return
	}
	var held HeldStatus
	for slot := range uint32(n.cfg.Slots) {
		n.mu.Lock()
		sessions, bytes := n.core.Sessions(slot)
		held.add(n.core.Role(slot), sessions, bytes)
		n.mu.Unlock()
	}
	n.console.held, n.console.counted, n.console.known = held, now, true
}

// layout is who holds what. The node's mutex is held.
func (n *Node) layout() Layout {
	l := Layout{Names: []string{}, States: SlotStates()}
	index := map[string]int{}
	place := func(name string) int {
		if name == "" {
			return -1
		}
		if _, known := index[name]; !known {
			index[name] = len(l.Names)
			l.Names = append(l.Names, name)
		}
		return index[name]
	}
	for _, m := range n.core.Members() {
		place(m.Name)
	}
	states := map[string]int{}
	for i, s := range l.States {
		states[s] = i
	}
	want := n.wanted()
	for slot := range uint32(n.cfg.Slots) {
		claim := n.core.Claim(slot)
		home, backups := []int{}, []int{}
		for _, name := range n.core.Home(slot) {
			home = append(home, place(name))
		}
		for _, b := range claim.Backups {
			backups = append(backups, place(n.memberName(b)))
		}
		l.Primary = append(l.Primary, place(n.memberName(claim.Primary)))
		l.Backups, l.Home = append(l.Backups, backups), append(l.Home, home)
		l.State = append(l.State, states[n.slotState(slot, claim, want)])
	}
	return l
}

// memberName is the name of a boot as far as it is known; empty for none.
func (n *Node) memberName(b replica.Boot) string {
	if b == 0 {
		return ""
	}
	m, _ := n.core.Member(b)
	if m.Name == "" {
		return fmt.Sprintf("%v", b)
	}
	return m.Name
}
