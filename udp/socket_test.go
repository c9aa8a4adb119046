package udp_test

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sessnode/sessnode/udp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// packetConn is what quic-go looks for in a socket, and more.
type packetConn interface {
	net.PacketConn
	SyscallConn() (syscall.RawConn, error)
	SetReadBuffer(int) error
	SetWriteBuffer(int) error
	ReadMsgUDP(b, oob []byte) (n, oobn, flags int, from *net.UDPAddr, err error)
	WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error)
}

// open makes a socket that the test's end closes.
func open(t testing.TB, address string) packetConn {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := net.ListenUDP("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := udp.Adopt(plain)
	t.Cleanup(func() { _ = s.Close() }) // some tests have done so
	if err := s.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return s.(packetConn)
}

// to is the address of a socket as another one reaches it.
func to(s net.PacketConn, ip string) *net.UDPAddr {
	return &net.UDPAddr{IP: net.ParseIP(ip), Port: s.LocalAddr().(*net.UDPAddr).Port}
}

// expect reads one packet and says who sent it.
func expect(t *testing.T, s net.PacketConn, want string) net.Addr {
	t.Helper()
	b := make([]byte, 100)
	n, from, err := s.ReadFrom(b)
	if err != nil || string(b[:n]) != want {
		t.Fatalf("got %q, %v, want %q", b[:n], err, want)
	}
	return from
}

func TestPacketsGoBothWays(t *testing.T) {
	for _, c := range []struct{ name, server, client, ip string }{
		{"IPv4", "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6", "[::1]:0", "[::1]:0", "::1"},
		{"both, reached by IPv4", ":0", "127.0.0.1:0", "127.0.0.1"},
		{"both, reaching IPv4", "127.0.0.1:0", ":0", "127.0.0.1"},
		{"both, reaching IPv6", "[::1]:0", ":0", "::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, client := open(t, c.server), open(t, c.client)
			for range 3 { // the second time addresses are known
				if _, err := client.WriteTo([]byte("ping"), to(server, c.ip)); err != nil {
					t.Fatal(err)
				}
				from := expect(t, server, "ping")
				if got, want := from.(*net.UDPAddr), to(client, c.ip); !got.IP.Equal(want.IP) || got.Port != want.Port {
					t.Errorf("from %v, want %v", got, want)
				}
				if _, err := server.WriteTo(nil, from); err != nil {
					t.Fatal(err)
				}
				expect(t, client, "")
			}
		})
	}
}

func TestCloseEndsReadersAndWriters(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	var tasks sync.WaitGroup
	started := make(chan struct{}, 3)
	tasks.Go(func() {
		started <- struct{}{}
		for {
			if _, _, err := s.ReadFrom(make([]byte, 10)); err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("read: %v, want net.ErrClosed", err)
				}
				return
			}
		}
	})
	for range 2 {
		tasks.Go(func() {
			for first := true; ; first = false {
				_, err := s.WriteTo([]byte("x"), to(s, "127.0.0.1"))
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					t.Errorf("write: %v, want net.ErrClosed", err)
					return
				}
				if first {
					started <- struct{}{}
				}
			}
		})
	}
	for range cap(started) {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	tasks.Wait()
	if err := s.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("close again: %v, want net.ErrClosed", err)
	}
	if err := s.SetReadBuffer(1 << 16); err == nil {
		t.Error("a closed socket takes options")
	}
}

func TestDeadlineEndsReading(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	if err := s.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ReadFrom(make([]byte, 10)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestAddressesThatCannotBeReached(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	for _, to := range []*net.UDPAddr{nil, {}, {IP: net.IPv6loopback, Port: 1}, {IP: net.IP{1, 2, 3}, Port: 1}} {
		if _, _, err := s.WriteMsgUDP([]byte("x"), nil, to); err == nil {
			t.Errorf("%v: no error", to)
		}
	}
	if _, err := s.WriteTo([]byte("x"), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}); err == nil {
		t.Error("an address of TCP: no error")
	}
}
