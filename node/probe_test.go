package node

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// A member whose socket is closed refuses within 200 ms of rounds; one that serves, and one that is open but reads
// nothing, as a stopped process, never do.
func TestOnlyAClosedPortIsRefused(t *testing.T) {
	living, err := wire.Listen(wire.EndpointConfig{Role: wire.RoleNode, Key: wire.DevelopmentKey(), Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	stopped, killed := openPort(t), openPort(t)
	defer stopped.Close()
	sockets := probes{}
	defer sockets.follow(context.Background(), nil)
	sockets.follow(context.Background(), []replica.Member{
		{Boot: 1, Addr: living.Addr().String()},
		{Boot: 2, Addr: stopped.LocalAddr().String()},
		{Boot: 3, Addr: killed.LocalAddr().String()},
		{Boot: 4, Addr: "no port"},
	})
	all := []replica.Boot{1, 2, 3, 4}
	if got := sockets.refusing(all); got != nil {
		t.Errorf("%v refused while all were open", got)
	}
	if err := killed.Close(); err != nil {
		t.Fatal(err)
	}
	var got []replica.Boot
	ticker := time.NewTicker(probeEvery)
	defer ticker.Stop()
	for range 200 * time.Millisecond / probeEvery {
		got = append(got, sockets.refusing(all)...)
		<-ticker.C
	}
	slices.Sort(got)
	if want := []replica.Boot{3}; !slices.Equal(slices.Compact(got), want) {
		t.Errorf("%v refused, want only %v", got, want)
	}
}

func TestProbesFollowTheMembers(t *testing.T) {
	a, b := replica.Member{Boot: 1, Addr: "127.0.0.1:9"}, replica.Member{Boot: 2, Addr: "127.0.0.1:9"}
	sockets := probes{}
	for _, members := range [][]replica.Member{{a}, {a, b}, {b}, nil} {
		sockets.follow(context.Background(), members)
		if len(sockets) != len(members) {
			t.Errorf("%d sockets for %d members", len(sockets), len(members))
		}
	}
}

func openPort(t *testing.T) net.PacketConn {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return socket
}
