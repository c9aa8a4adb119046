package simnet_test

import (
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessnode/sessnode/chaos/simnet"
)

func TestCuts(t *testing.T) {
	type network = simnet.Network
	tests := []struct {
		name   string
		faults func(n *network)
		want   string // the routes that are open, between three hosts
	}{
		{"none", func(*network) {}, "ab ac ba bc ca cb"},
		{"cut", func(n *network) { n.Cut(hostA, hostB) }, "ac bc ca cb"},
		{"one way", func(n *network) { n.CutOneWay(hostA, hostB) }, "ac ba bc ca cb"},
		{"uncut", func(n *network) { n.Cut(hostA, hostB); n.Uncut(hostB, hostA) }, "ab ac ba bc ca cb"},
		{"uncut one way", func(n *network) { n.Cut(hostA, hostB); n.UncutOneWay(hostA, hostB) }, "ab ac bc ca cb"},
		{"isolate", func(n *network) { n.Isolate(hostA) }, "bc cb"},
		{"isolate all but one", func(n *network) { n.Isolate(hostA); n.Uncut(hostA, hostB) }, "ab ba bc cb"},
		{"isolate and back", func(n *network) { n.Cut(hostA, hostB); n.Uncut(hostA, simnet.Any) }, "ab ac ba bc ca cb"},
		{"deaf", func(n *network) { n.CutOneWay(simnet.Any, hostA) }, "ab ac bc cb"},
		{"partition", func(n *network) { n.Partition([]string{hostA}, []string{hostB, hostC}) }, "bc cb"},
		{"partition of three", func(n *network) { n.Partition([]string{hostA}, []string{hostB}, []string{hostC}) }, ""},
		{"bystander", func(n *network) { n.Partition([]string{hostA}, []string{hostB}) }, "ac bc ca cb"},
		{"bridge", func(n *network) { n.Partition([]string{hostA, hostC}, []string{hostB, hostC}) }, "ac bc ca cb"},
		{"second partition", func(n *network) {
			n.Partition([]string{hostA}, []string{hostB, hostC})
			n.Partition([]string{hostA, hostB}, []string{hostC})
		}, "ab ba"},
		{"everybody", func(n *network) { n.Cut(simnet.Any, simnet.Any) }, ""},
		{"heal", func(n *network) {
			n.Isolate(hostA)
			n.Partition([]string{hostB}, []string{hostC})
			n.Heal()
		}, "ab ac ba bc ca cb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := simnet.New(simnet.Config{})
			defer n.Close()
			tt.faults(n)
			if diff := cmp.Diff(strings.Fields(tt.want), open(t, n)); diff != "" {
				t.Errorf("open routes (-want +got):\n%s", diff)
			}
		})
	}
}

// open sends a packet each way between the three hosts and returns the routes on which it arrived.
func open(t *testing.T, n *simnet.Network) []string {
	t.Helper()
	names := []string{"a", "b", "c"}
	conns := []net.PacketConn{listen(t, n, hostA), listen(t, n, hostB), listen(t, n, hostC)}
	hosts := []string{hostA, hostB, hostC}
	routes := []string{}
	for i, from := range conns {
		send(t, from, from, "self")
		if s := n.StatsOf(hosts[i], hosts[i]); s.Delivered != 1 {
			t.Errorf("%s does not reach itself: %+v", names[i], s)
		}
		for j, to := range conns {
			if i == j {
				continue
			}
			send(t, from, to, "x")
			s := n.StatsOf(hosts[i], hosts[j])
			if s.Delivered+s.DroppedCut != 1 {
				t.Errorf("%s to %s: %+v, want one packet delivered or cut", names[i], names[j], s)
			}
			if s.Delivered == 1 {
				routes = append(routes, names[i]+names[j])
			}
		}
	}
	return routes
}

func TestIsolationHoldsForHostsThatComeLater(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a := listen(t, n, hostA)
	n.Isolate(hostA)
	d := listen(t, n, "10.0.0.4")
	send(t, a, d, "x")
	send(t, d, a, "x")
	wantStats(t, n.Stats(), simnet.Stats{Sent: 2, DroppedCut: 2})
}

func TestCutDropsWhatIsUnderWay(t *testing.T) {
	inBubble(t, simnet.Config{Latency: time.Second}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		send(t, a, b, "under way")
		n.Cut(hostA, hostB)
		time.Sleep(2 * time.Second)
		wantStats(t, n.Stats(), simnet.Stats{Sent: 1, DroppedCut: 1})
		send(t, a, b, "sent into the cut")
		n.Heal()
		send(t, a, b, "healed")
		time.Sleep(2 * time.Second)
		wantReceived(t, b, "healed")
	})
}

func TestSetLatencyLeavesPacketsUnderWay(t *testing.T) {
	inBubble(t, simnet.Config{Latency: 10 * time.Second}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		send(t, a, b, "slow")
		n.SetLatency(hostA, hostB, time.Millisecond, 0)
		send(t, a, b, "fast")
		wantReceived(t, b, "fast")
		time.Sleep(10 * time.Second)
		wantReceived(t, b, "slow")
	})
}

func TestLastSettingWins(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	n.SetLoss(hostA, hostB, 0)
	n.SetLoss(hostA, simnet.Any, 1)
	send(t, a, b, "x")
	n.SetLoss(simnet.Any, hostB, 0)
	send(t, a, b, "x")
	n.SetLoss(simnet.Any, simnet.Any, 1)
	send(t, a, b, "x")
	n.SetLoss(hostA, hostB, 0)
	send(t, a, b, "x")
	wantStats(t, n.Stats(), simnet.Stats{Sent: 4, Delivered: 2, DroppedLoss: 2})
}

func TestWrongFaultsPanic(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	for name, wrong := range map[string]func(){
		"name for a host":  func() { n.Cut("a", hostB) },
		"port with a host": func() { n.Isolate("10.0.0.1:7946") },
		"no host":          func() { n.CutOneWay("", hostB) },
		"loss over 1":      func() { n.SetLoss(hostA, hostB, 1.1) },
		"loss not a number": func() {
			n.SetLoss(hostA, hostB, math.NaN())
		},
		"negative reorder": func() { n.SetReorder(hostA, hostB, -1) },
		"negative latency": func() { n.SetLatency(hostA, hostB, -1, 0) },
		"negative jitter":  func() { n.SetLatency(hostA, hostB, 0, -1) },
		"configuration":    func() { simnet.New(simnet.Config{Loss: 2}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			wrong()
		})
	}
}

func TestConfigValidate(t *testing.T) {
	for _, cfg := range []simnet.Config{
		{Loss: -0.1}, {Duplicate: 1.1}, {Reorder: math.Inf(1)}, {Latency: -1}, {Jitter: -1}, {ReorderDelay: -1},
		{PayloadMax: -1}, {QueueLen: -1}, {FlightLen: -1},
	} {
		if cfg.Validate() == nil {
			t.Errorf("%+v validates", cfg)
		}
	}
	if err := (simnet.Config{Loss: 1, Jitter: 1}).Validate(); err != nil {
		t.Error(err)
	}
}
