package wire

import (
	"net"
	"runtime"
	"testing"
	"time"
)

func probe(t *testing.T, addr net.Addr) *Probe {
	t.Helper()
	p, err := DialProbe(within(t), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// refusedSoon asks again and again, as whoever wants to know does.
func refusedSoon(p *Probe) bool {
	for until := time.Now().Add(200 * time.Millisecond); time.Now().Before(until); runtime.Gosched() {
		if p.Refused() {
			return true
		}
	}
	return false
}

func TestAClosedPortRefusesAProbe(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the refusal is told to a reader only")
	}
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := probe(t, socket.LocalAddr())
	for range 2 {
		if p.Refused() {
			t.Error("an open port refused")
		}
	}
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}
	if !refusedSoon(p) {
		t.Error("a closed port has not refused within 200 ms")
	}
}

// An endpoint drops probes without a word to the reader of gossip, and a socket that nobody reads refuses nothing: what a
// stopped process looks like.
func TestProbesAreDroppedUnread(t *testing.T) {
	e, sender := listen(t, EndpointConfig{Role: RoleNode}), listen(t, EndpointConfig{Role: RoleNode})
	type read struct {
		text string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		b := make([]byte, GossipPacketMax+1)
		n, _, err := e.ReadGossip(within(t), b)
		got <- read{string(b[:n]), err}
	}()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	living, stopped := probe(t, e.Addr()), probe(t, silent.LocalAddr())
	for range 100 {
		if living.Refused() || stopped.Refused() {
			t.Fatal("an open port refused")
		}
	}
	again := time.NewTicker(10 * time.Millisecond) // a packet that arrives before the reader waits is dropped
	defer again.Stop()
	for {
		if err := sender.WriteGossip([]byte("gossip"), e.Addr()); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-got:
			if r.text != "gossip" || r.err != nil {
				t.Errorf("read %q, %v, want the first packet of gossip", r.text, r.err)
			}
			return
		case <-again.C:
		}
	}
}
