package udp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

func adopted(t testing.TB) *socket {
	t.Helper()
	plain, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := Adopt(plain).(*socket)
	if !ok {
		t.Fatal("the kernel refuses a socket of our own")
	}
	t.Cleanup(func() { _ = s.Close() }) // a test may have done so
	return s
}

// What has left must wake nobody: no poller may ask for it.
func TestPollersAskForArrivalsAlone(t *testing.T) {
	s := adopted(t)
	infos, err := filepath.Glob("/proc/self/fdinfo/*")
	if err != nil {
		t.Fatal(err)
	}
	watched := 0
	for _, info := range infos {
		text, err := os.ReadFile(info)
		if err != nil {
			continue // the one that Glob used
		}
		for line := range bytes.Lines(text) {
			var fd, events int
			n, _ := fmt.Sscanf(strings.Join(strings.Fields(string(line)), " "), "tfd: %d events: %x", &fd, &events)
			if n != 2 || fd != s.fd {
				continue
			}
			watched++
			if events&unix.EPOLLOUT != 0 {
				t.Errorf("%s: the socket is watched for %#x", info, events)
			}
		}
	}
	if watched != 1 {
		t.Errorf("%d pollers watch the socket, want 1", watched)
	}
}

// congestionMark is a control message that sets the two bits of congestion.
func congestionMark(bits byte) []byte {
	b := make([]byte, unix.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_TOS
	h.SetLen(unix.CmsgLen(4))
	binary.NativeEndian.PutUint32(b[unix.CmsgLen(0):], uint32(bits))
	return b
}

// quic-go sees congestion by a mark that a control message carries.
func TestControlMessagesArriveWithTheirPackets(t *testing.T) {
	from, to := adopted(t), adopted(t)
	if err := to.setOption(unix.SO_RCVBUF, 1<<16); err != nil {
		t.Fatal(err)
	}
	var err error
	if closed := to.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
	}); errors.Join(closed, err) != nil {
		t.Fatal(err)
	}
	const sent = 5
	for i := range byte(sent) {
		if _, _, err := from.WriteMsgUDP([]byte{i}, congestionMark(i&3), to.local.(*net.UDPAddr)); err != nil {
			t.Fatal(err)
		}
	}
	messages := make([]ipv4.Message, 2*batchMax)
	for i := range messages {
		messages[i] = ipv4.Message{Buffers: [][]byte{make([]byte, 10)}, OOB: make([]byte, 100)}
	}
	n, err := to.ReadBatch(messages, 0)
	if err != nil || n != sent {
		t.Fatalf("got %d packets, %v, want %d", n, err, sent)
	}
	for i, m := range messages[:n] {
		control, err := unix.ParseSocketControlMessage(m.OOB[:m.NN])
		if err != nil || len(control) != 1 || m.N != 1 {
			t.Fatalf("packet %d: %d bytes, control messages %v, %v", i, m.N, control, err)
		}
		if data := m.Buffers[0][0]; data != byte(i) || control[0].Data[0] != data&3 {
			t.Errorf("packet %d: %d with mark %d", i, data, control[0].Data[0])
		}
	}
}

// Of a packet that is too large, and of one that the device cannot split, quic-go knows by the kind of error.
func TestErrorsAreThoseOfTheKernel(t *testing.T) {
	s := adopted(t)
	_, _, err := s.WriteMsgUDP(make([]byte, 1<<17), nil, s.local.(*net.UDPAddr))
	var call *os.SyscallError
	if !errors.As(err, &call) || call.Syscall != "sendmsg" || !errors.Is(err, unix.EMSGSIZE) {
		t.Errorf("got %v, want EMSGSIZE of sendmsg", err)
	}
}

func TestSendersAreRememberedWithinALimit(t *testing.T) {
	in := newIncoming()
	for port := range uint16(3 * sendersMax / 2) {
		name := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: port, Scope_id: 3}
		in.sender(addressOf(&name))
	}
	if n := len(in.senders); n > sendersMax {
		t.Errorf("%d senders, want at most %d", n, sendersMax)
	}
}

func TestZones(t *testing.T) {
	loopback, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip("no interface lo: ", err)
	}
	for zone, want := range map[string]uint32{"": 0, "lo": uint32(loopback.Index), "17": 17, "none such": 0} {
		if got := scopeOf(zone); got != want {
			t.Errorf("zone %q: %d, want %d", zone, got, want)
		}
	}
	name := unix.RawSockaddrInet6{Family: unix.AF_INET6, Scope_id: 17, Addr: [16]byte{0xfe, 0x80, 15: 1}}
	if got := net.UDPAddrFromAddrPort(addressOf(&name)).String(); got != "[fe80::1%17]:0" {
		t.Errorf("got %s", got)
	}
}

// Where the kernel refuses, the socket that there is goes on.
func TestAdoptReturnsWhatItCannotTakeOver(t *testing.T) {
	plain, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := plain.Close(); err != nil {
		t.Fatal(err)
	}
	if got := Adopt(plain); got != net.PacketConn(plain) {
		t.Errorf("got %T, want the closed socket", got)
	}
}

func BenchmarkSend(b *testing.B) {
	b.Run("adopted", func(b *testing.B) {
		s := adopted(b)
		benchmarkSend(b, s, s.local.(*net.UDPAddr))
	})
	b.Run("net", func(b *testing.B) {
		s, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		benchmarkSend(b, s, s.LocalAddr().(*net.UDPAddr))
	})
}

// benchmarkSend sends to a socket that soon drops what arrives.
func benchmarkSend(b *testing.B, s interface {
	WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (int, int, error)
}, to *net.UDPAddr) {
	packet := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.WriteMsgUDP(packet, nil, to); err != nil {
			b.Fatal(err)
		}
	}
}
