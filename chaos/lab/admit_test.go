package lab

import (
	"net"
	"testing"
	"time"
)

// TestThisMachineReachesNodes: a socket that knows nothing of the lab exchanges datagrams with a place, and meets faults.
func TestThisMachineReachesNodes(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		must(t, l.Admit())
		must(t, l.Admit())
		h := hosts(t, l, "a", "b")
		outside, err := net.Dial("udp4", h[0].Addr())
		must(t, err)
		defer outside.Close()
		h[0].wantEcho(t, outside)
		cut, err := l.Cut([]string{Strangers}, []string{"a"}, false)
		must(t, err)
		_, err = outside.Write([]byte("lost"))
		must(t, err)
		awaitBitten(t, cut, 1)
		must(t, cut.End())
		h[0].wantEcho(t, outside)
		slow, err := l.Delay(All("a"), 1, 0)
		must(t, err)
		h[0].wantEcho(t, outside)
		if bitten(t, slow) != 2 {
			t.Errorf("%d packets were delayed, want one each way", bitten(t, slow))
		}
	})
}

// wantEcho sends a datagram there and back.
func (h *host) wantEcho(t *testing.T, outside net.Conn) {
	t.Helper()
	_, err := outside.Write([]byte("there"))
	must(t, err)
	buf := make([]byte, 10)
	must(t, h.socket.SetReadDeadline(time.Now().Add(patience)))
	n, from, err := h.socket.ReadFrom(buf)
	must(t, err)
	if string(buf[:n]) != "there" {
		t.Errorf("%q arrived", buf[:n])
	}
	_, err = h.socket.WriteTo([]byte("back"), from)
	must(t, err)
	must(t, outside.SetReadDeadline(time.Now().Add(patience)))
	if n, err = outside.Read(buf); err != nil || string(buf[:n]) != "back" {
		t.Errorf("%q came back, %v", buf[:n], err)
	}
}
