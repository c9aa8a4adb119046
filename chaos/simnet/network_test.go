package simnet_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/simnet"
)

func TestLatency(t *testing.T) {
	inBubble(t, simnet.Config{Latency: 20 * time.Millisecond}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		n.SetLatency(hostB, hostA, 5*time.Millisecond, 0)
		for _, tt := range []struct {
			from, to net.PacketConn
			want     time.Duration
		}{{a, b, 20 * time.Millisecond}, {b, a, 5 * time.Millisecond}, {a, a, 0}} {
			start := time.Now()
			send(t, tt.from, tt.to, "x")
			if _, _, err := tt.to.ReadFrom(nil); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(start); got != tt.want {
				t.Errorf("%v to %v took %v, want %v", tt.from.LocalAddr(), tt.to.LocalAddr(), got, tt.want)
			}
		}
	})
}

func TestRealClockWorksToo(t *testing.T) {
	n := simnet.New(simnet.Config{Latency: time.Millisecond, Jitter: time.Millisecond})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	start := time.Now()
	for i := range 100 {
		send(t, a, b, fmt.Sprint(i))
	}
	buf := make([]byte, 8)
	for i := range 100 {
		got, _, err := b.ReadFrom(buf)
		if err != nil || string(buf[:got]) != fmt.Sprint(i) {
			t.Fatalf("ReadFrom = %q, %v, want %d", buf[:got], err, i)
		}
	}
	if took := time.Since(start); took < time.Millisecond {
		t.Errorf("took %v, want at least the latency", took)
	}
}

func TestJitterKeepsOrderAndRange(t *testing.T) {
	const latency, jitter = 10 * time.Millisecond, 30 * time.Millisecond
	inBubble(t, simnet.Config{Latency: latency, Jitter: jitter}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for i := range 200 {
			send(t, a, b, fmt.Sprintf("%03d", i))
		}
		start := time.Now()
		buf := make([]byte, 8)
		for i := range 200 {
			got, _, _ := b.ReadFrom(buf)
			if string(buf[:got]) != fmt.Sprintf("%03d", i) {
				t.Fatalf("packet %d is %q", i, buf[:got])
			}
			if took := time.Since(start); took < latency || took >= latency+jitter {
				t.Fatalf("packet %d took %v, want %v to %v", i, took, latency, latency+jitter)
			}
		}
		if took := time.Since(start); took < latency+jitter/2 {
			t.Errorf("200 packets within %v: no jitter", took)
		}
	})
}

// A packet that arrives in the very instant in which the next one leaves, with no time to take, still goes first.
func TestOrderHoldsWithinAnInstant(t *testing.T) {
	inBubble(t, simnet.Config{Jitter: 3}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for i := range 1000 {
			send(t, a, b, fmt.Sprintf("%04d", i))
			time.Sleep(time.Nanosecond)
		}
		if got := receive(t, b); len(got) != 1000 || !slices.IsSorted(got) {
			t.Errorf("%d packets, in order: %t", len(got), slices.IsSorted(got))
		}
	})
}

func TestReorder(t *testing.T) {
	inBubble(t, simnet.Config{Reorder: 0.3}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		var want []string
		for i := range 100 {
			want = append(want, fmt.Sprintf("%02d", i))
			send(t, a, b, want[i])
			time.Sleep(time.Millisecond)
		}
		got := receive(t, b)
		if slices.IsSorted(got) {
			t.Error("packets kept their order")
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("received %v, want each packet once", got)
		}
		if s := n.Stats(); s.Reordered < 10 || s.Reordered > 60 {
			t.Errorf("%d of 100 reordered at 0.3", s.Reordered)
		}
	})
}

func TestDuplicate(t *testing.T) {
	inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		n.SetDuplicate(hostA, hostB, 1)
		send(t, a, b, "x")
		send(t, b, a, "y")
		wantReceived(t, b, "x", "x")
		wantReceived(t, a, "y")
		wantStats(t, n.Stats(), simnet.Stats{Sent: 2, Duplicated: 1, Delivered: 3})
	})
}

func TestLoss(t *testing.T) {
	inBubble(t, simnet.Config{Loss: 0.5}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for range 1000 {
			send(t, a, b, "x")
			send(t, a, a, "x") // a host does not lose what it sends to itself
		}
		ab, aa := n.StatsOf(hostA, hostB), n.StatsOf(hostA, hostA)
		if ab.DroppedLoss < 400 || ab.DroppedLoss > 600 || ab.Delivered != 1000-ab.DroppedLoss {
			t.Errorf("loss 0.5 of 1000: %+v", ab)
		}
		wantStats(t, aa, simnet.Stats{Sent: 1000, Delivered: 1000})
	})
}

func TestSameSeedSameThrows(t *testing.T) {
	run := func(seed uint64) simnet.Stats {
		n := simnet.New(simnet.Config{Seed: seed, Loss: 0.3, Duplicate: 0.3})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for range 1000 {
			send(t, a, b, "x")
		}
		return n.Stats()
	}
	if one, again, other := run(1), run(1), run(2); one != again || one == other {
		t.Errorf("seed 1: %+v, again: %+v, seed 2: %+v", one, again, other)
	}
}

func TestQueuesAreBounded(t *testing.T) {
	inBubble(t, simnet.Config{QueueLen: 3}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for _, text := range []string{"1", "2", "3", "4"} {
			send(t, a, b, text)
		}
		wantReceived(t, b, "1", "2", "3")
		wantStats(t, n.Stats(), simnet.Stats{Sent: 4, Delivered: 3, DroppedFull: 1})
	})
	inBubble(t, simnet.Config{FlightLen: 2, Latency: time.Second}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		for _, text := range []string{"1", "2", "3"} {
			send(t, a, b, text)
		}
		wantStats(t, n.Stats(), simnet.Stats{Sent: 3, DroppedFull: 1, UnderWay: 2})
		time.Sleep(time.Second)
		wantReceived(t, b, "1", "2")
	})
}

func TestKillAndRestart(t *testing.T) {
	inBubble(t, simnet.Config{Latency: time.Millisecond}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		b.Close()
		send(t, a, b, "to the dead")
		time.Sleep(time.Second)
		wantStats(t, n.Stats(), simnet.Stats{Sent: 1, DroppedNobody: 1})

		send(t, a, b, "to the address") // under way while the host restarts
		b = listen(t, n, hostB)
		wantReceived(t, b, "to the address")
	})
}

func TestListenRefuses(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	listen(t, n, hostA)
	for _, addr := range []string{"10.0.0.1", "localhost:7946", ":7946", "0.0.0.0:7946"} {
		if c, err := n.Listen(addr); err == nil {
			t.Errorf("Listen(%q) = %v, want an error", addr, c.LocalAddr())
		}
	}
	if _, err := n.Listen(hostA + ":7946"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen: %v, want %v", err, syscall.EADDRINUSE)
	}
}

func TestListenPicksFreePort(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	seen := make(map[string]bool)
	for range 3 {
		c, err := n.Listen(hostA + ":0")
		if err != nil {
			t.Fatal(err)
		}
		seen[c.LocalAddr().String()] = true
		c.Close()
	}
	if len(seen) != 3 {
		t.Errorf("addresses %v, want three", seen)
	}
}

func TestCloseOfTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{Latency: time.Hour})
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		send(t, a, b, "never arrives")
		read := make(chan error)
		go func() {
			_, _, err := b.ReadFrom(nil)
			read <- err
		}()
		var closers sync.WaitGroup
		for range 3 {
			closers.Go(func() { n.Close() })
		}
		if err := <-read; !errors.Is(err, net.ErrClosed) {
			t.Errorf("ReadFrom: %v, want %v", err, net.ErrClosed)
		}
		closers.Wait()
		if _, err := n.Listen(hostC + ":1"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Listen: %v, want %v", err, net.ErrClosed)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	n := simnet.New(simnet.Config{Latency: 50 * time.Microsecond, Jitter: time.Millisecond, Duplicate: 0.1, Reorder: 0.1})
	conns := []net.PacketConn{listen(t, n, hostA), listen(t, n, hostB), listen(t, n, hostC)}
	var readers, writers sync.WaitGroup
	for _, c := range conns {
		readers.Go(func() {
			for {
				if _, _, err := c.ReadFrom(nil); errors.Is(err, net.ErrClosed) {
					return
				}
			}
		})
		for _, to := range conns {
			writers.Go(func() {
				for range 300 {
					c.WriteTo([]byte("x"), to.LocalAddr())
					c.SetReadDeadline(time.Now().Add(time.Millisecond))
				}
			})
		}
	}
	writers.Go(func() {
		for range 100 {
			n.Partition([]string{hostA}, []string{hostB, hostC})
			n.SetLatency(hostA, simnet.Any, 0, time.Millisecond)
			n.Stats()
			n.Heal()
		}
	})
	writers.Wait()
	n.Close()
	readers.Wait()
	if s := n.Stats(); s.Sent != 2700 || s.Delivered+s.Dropped()+s.UnderWay != s.Sent+s.Duplicated {
		t.Errorf("packets unaccounted for: %+v", s)
	}
}
