package simnet_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sessnode/sessnode/chaos/simnet"
)

const (
	hostA = "10.0.0.1"
	hostB = "10.0.0.2"
	hostC = "10.0.0.3"
)

// inBubble runs a test on a virtual clock with a network of its own, and checks that every packet was accounted for.
func inBubble(t *testing.T, cfg simnet.Config, test func(t *testing.T, n *simnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(cfg)
		defer n.Close()
		test(t, n)
		s := n.Stats()
		if got, want := s.Delivered+s.Dropped()+s.UnderWay, s.Sent+s.Duplicated; got != want {
			t.Errorf("%d packets accounted for, want %d: %+v", got, want, s)
		}
	})
}

func listen(t *testing.T, n *simnet.Network, host string) net.PacketConn {
	t.Helper()
	c, err := n.Listen(host + ":7946")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, from, to net.PacketConn, text string) {
	t.Helper()
	if n, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil || n != len(text) {
		t.Fatalf("WriteTo = %d, %v, want %d, nil", n, err, len(text))
	}
}

// receive reads until nothing comes for a second.
func receive(t *testing.T, c net.PacketConn) []string {
	t.Helper()
	var got []string
	buf := make([]byte, 2048)
	for {
		c.SetReadDeadline(time.Now().Add(time.Second))
		n, _, err := c.ReadFrom(buf)
		if err != nil {
			if ne, ok := err.(net.Error); !ok || !ne.Timeout() {
				t.Fatalf("ReadFrom: %v", err)
			}
			return got
		}
		got = append(got, string(buf[:n]))
	}
}

func wantReceived(t *testing.T, c net.PacketConn, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, receive(t, c)); diff != "" {
		t.Errorf("%v received (-want +got):\n%s", c.LocalAddr(), diff)
	}
}

func wantStats(t *testing.T, got, want simnet.Stats) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}
