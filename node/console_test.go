package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/node"
)

// slotsOf asks a node for all of its slots as the command does.
func slotsOf(t *testing.T, c *cluster, i int) node.SlotList {
	t.Helper()
	client := c.dial("10.0.1.9")
	defer client.Close()
	doc, err := client.Admin(context.Background(), c.nodes[i].addr, "slots", "")
	if err != nil {
		t.Fatal(err)
	}
	var l node.SlotList
	if err := json.Unmarshal(doc, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// The console and the list of slots tell who holds what; a death changes both, and is told of at once.
func TestConsoleTellsOfADeath(t *testing.T) {
	runCluster(t, 3, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		client := c.dial("10.0.1.2")
		ids := write(t, client, 20)
		asker := c.nodes[0].node
		status, layout := consoleOf(t, asker)
		if status.Slots.Home != 64 || layout.count(node.SlotHome) != 64 || status.Version == "" {
			t.Errorf("%d slots are at home, %d by the layout, version %q", status.Slots.Home, layout.count(node.SlotHome), status.Version)
		}
		all := slotsOf(t, c, 0)
		held := 0
		for _, s := range all.Slots {
			held += s.Sessions
			if s.State != node.SlotHome || s.Primary == "" || len(s.Backups) != 1 || !cmp.Equal(s.Home, append([]string{s.Primary}, s.Backups...)) {
				t.Errorf("slot %+v", s)
			}
		}
		if len(all.Slots) != 64 || all.Next != 64 || held != status.Held.Sessions {
			t.Errorf("%d slots hold %d sessions, the status says %d", len(all.Slots), held, status.Held.Sessions)
		}
		client.Close()

		woken, stop, err := asker.Wake()
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		_, before := asker.Happened(0)
		c.kill(2)
		<-woken
		time.Sleep(5 * time.Second)
		told := happenedOn(t, asker, before)
		if !strings.Contains(told, "member down n3") || !strings.Contains(told, "slot promoted n3") || !strings.Contains(told, "slot taken over n2") {
			t.Errorf("told was:\n%s", told)
		}
		status, layout = consoleOf(t, asker)
		if len(status.Members) != 2 || layout.holds("n3") {
			t.Errorf("after the death: %d members, layout %+v", len(status.Members), layout)
		}
		raw, err := json.Marshal(asker.Console())
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if strings.Contains(string(raw), id) {
				t.Fatalf("the console shows the whole id %s", id)
			}
		}
	})
}

type layout struct{ node.Layout }

func (l layout) count(state string) (n int) {
	for _, s := range l.State {
		if l.States[s] == state {
			n++
		}
	}
	return n
}

// holds reports whether a member is primary of anything.
func (l layout) holds(name string) bool {
	for _, p := range l.Primary {
		if p >= 0 && l.Names[p] == name {
			return true
		}
	}
	return false
}

func consoleOf(t *testing.T, n *node.Node) (s node.Status, l layout) {
	t.Helper()
	parts := n.Console()
	if err := errors.Join(json.Unmarshal(parts["status"], &s), json.Unmarshal(parts["layout"], &l.Layout)); err != nil {
		t.Fatal(err)
	}
	return s, l
}

func happenedOn(t *testing.T, n *node.Node, after uint64) string {
	t.Helper()
	var b strings.Builder
	events, _ := n.Happened(after)
	for _, e := range events {
		var h node.Happening
		if err := json.Unmarshal(e, &h); err != nil {
			t.Fatal(err)
		}
		b.WriteString(h.What + " " + h.Peer + "\n")
	}
	return b.String()
}

// Whoever looks again within half a second is shown the same, so that many cost what one does.
func TestConsoleIsShared(t *testing.T) {
	runCluster(t, 1, nil, func(c *cluster) {
		c.wait(10 * time.Second)
		n := c.nodes[0].node
		pulse := func() (p node.PulseStatus) {
			if err := json.Unmarshal(n.Console()["pulse"], &p); err != nil {
				t.Fatal(err)
			}
			return p
		}
		time.Sleep(time.Second)
		before := pulse()
		client := c.dial("10.0.1.2")
		defer client.Close()
		writeCopies(t, client, 5, 1)
		if got := pulse(); got.Writes != before.Writes {
			t.Errorf("at once: %+v", got)
		}
		time.Sleep(time.Second)
		if got := pulse(); got.Writes != before.Writes+5 || len(got.Took) == 0 {
			t.Errorf("a second later: %+v", got)
		}
		if got := n.Top(); len(got.Sessions) != 5 || len(got.Slots) == 0 {
			t.Errorf("busiest: %+v", got)
		}
	})
}

// Sixty-four may wait for what happens; one more is refused until another ends.
func TestWakersAreBounded(t *testing.T) {
	runCluster(t, 1, nil, func(c *cluster) {
		n := c.nodes[0].node
		var stop func()
		for range 64 {
			var err error
			if _, stop, err = n.Wake(); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := n.Wake(); !errors.Is(err, node.ErrWatchers) {
			t.Errorf("one more: %v", err)
		}
		stop()
		if _, _, err := n.Wake(); err != nil {
			t.Errorf("after one has ended: %v", err)
		}
	})
}
