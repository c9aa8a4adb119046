package lab

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// QUIC hands the kernel many datagrams at once (UDP_SEGMENT). A fault must meet each of them, whichever way they take.
func TestFaultsMeetEveryDatagramOfATrain(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		h := hosts(t, l, "a", "b")
		cut, err := l.Cut([]string{"a"}, []string{"b"}, false)
		must(t, err)
		h[0].sendTrain(t, h[1], 20)
		awaitBitten(t, cut, 20)
		must(t, cut.End())
		slow, err := l.Delay(Both("a", "b"), 1, 0)
		must(t, err)
		h[0].sendTrain(t, h[1], 20)
		if got, _ := h[1].receive(t, 20, patience); len(got) != 20 || len(got[0]) != 1000 {
			t.Errorf("%d datagrams arrived", len(got))
		}
		if bitten(t, cut) != 20 || bitten(t, slow) != 20 {
			t.Errorf("%d cut and %d delayed, want 20 each", bitten(t, cut), bitten(t, slow))
		}
	})
}

// sendTrain sends datagrams of 1,000 bytes in one call.
func (h *host) sendTrain(t *testing.T, to *host, count int) {
	t.Helper()
	oob := make([]byte, unix.CmsgSpace(2))
	header := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	header.Level, header.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	header.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[unix.CmsgLen(0):], 1000)
	_, _, err := h.socket.(*net.UDPConn).WriteMsgUDPAddrPort(make([]byte, 1000*count), oob, netip.MustParseAddrPort(to.Addr()))
	must(t, err)
}
