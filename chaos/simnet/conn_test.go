package simnet_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/chaos/simnet"
)

func TestPacketArrivesWithItsSender(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	payload := []byte("hello")
	if _, err := a.WriteTo(payload, b.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	payload[0] = 'j' // the sender may use its buffer again

	buf := make([]byte, 16)
	got, from, err := b.ReadFrom(buf)
	if err != nil || string(buf[:got]) != "hello" {
		t.Errorf("ReadFrom = %q, %v, want %q, nil", buf[:got], err, "hello")
	}
	if _, ok := from.(*net.UDPAddr); !ok || from.String() != "10.0.0.1:7946" {
		t.Errorf("from %T %v, want *net.UDPAddr 10.0.0.1:7946", from, from)
	}
}

func TestAddressFormsNameTheSameHost(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a := listen(t, n, hostA)
	b, err := n.Listen("[::ffff:10.0.0.2]:7946")
	if err != nil {
		t.Fatal(err)
	}
	long := &net.UDPAddr{IP: net.ParseIP(hostB).To16(), Port: 7946}
	if _, err := a.WriteTo([]byte("x"), long); err != nil {
		t.Fatal(err)
	}
	wantReceived(t, b, "x")
}

func TestReadCutsWhatDoesNotFit(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	send(t, a, b, "long")
	send(t, a, b, "next")
	buf := make([]byte, 2)
	for _, want := range []string{"lo", "ne"} {
		got, _, err := b.ReadFrom(buf)
		if err != nil || string(buf[:got]) != want {
			t.Errorf("ReadFrom = %q, %v, want %q, nil", buf[:got], err, want)
		}
	}
}

func TestReadDeadline(t *testing.T) {
	tests := []struct {
		name string
		set  func(c net.PacketConn)
		want time.Duration // until ReadFrom returns
	}{
		{"ahead", func(c net.PacketConn) { c.SetReadDeadline(time.Now().Add(time.Second)) }, time.Second},
		{"both", func(c net.PacketConn) { c.SetDeadline(time.Now().Add(time.Second)) }, time.Second},
		{"past", func(c net.PacketConn) { c.SetReadDeadline(time.Now().Add(-time.Second)) }, 0},
		{"moved later while waiting", func(c net.PacketConn) {
			c.SetReadDeadline(time.Now().Add(time.Second))
			time.AfterFunc(time.Second/2, func() { c.SetReadDeadline(time.Now().Add(time.Second)) })
		}, 3 * time.Second / 2},
		{"set while waiting", func(c net.PacketConn) {
			time.AfterFunc(time.Second, func() { c.SetReadDeadline(time.Now()) })
		}, time.Second},
		{"moved after it passed", func(c net.PacketConn) {
			c.SetReadDeadline(time.Now())
			c.SetReadDeadline(time.Now().Add(time.Second))
		}, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
				c := listen(t, n, hostA)
				start := time.Now()
				tt.set(c)
				_, _, err := c.ReadFrom(nil)
				if got := time.Since(start); got != tt.want {
					t.Errorf("returned after %v, want %v", got, tt.want)
				}
				var netErr net.Error
				if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &netErr) || !netErr.Timeout() {
					t.Errorf("ReadFrom: %v, want a timeout", err)
				}
			})
		})
	}
}

func TestReadDeadlineTakenBack(t *testing.T) {
	inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		b.SetReadDeadline(time.Now())
		send(t, a, b, "x")
		for range 20 {
			if _, _, err := b.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("ReadFrom: %v, want %v although a packet waits", err, os.ErrDeadlineExceeded)
			}
		}
		b.SetReadDeadline(time.Now().Add(time.Minute))
		b.SetReadDeadline(time.Time{})
		wantReceived(t, b, "x")
	})
}

func TestWriteDeadline(t *testing.T) {
	inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
		a := listen(t, n, hostA)
		a.SetWriteDeadline(time.Now())
		if _, err := a.WriteTo(nil, a.LocalAddr()); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("WriteTo: %v, want %v", err, os.ErrDeadlineExceeded)
		}
		a.SetWriteDeadline(time.Time{})
		send(t, a, a, "x")
	})
}

func TestCloseEndsReads(t *testing.T) {
	inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
		a := listen(t, n, hostA)
		errs := make(chan error, 2)
		for range cap(errs) {
			go func() {
				_, _, err := a.ReadFrom(nil)
				errs <- err
			}()
		}
		synctest.Wait()
		a.Close()
		for range cap(errs) {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("ReadFrom: %v, want %v", err, net.ErrClosed)
			}
		}
	})
}

func TestClosedConnRefusesEverything(t *testing.T) {
	n := simnet.New(simnet.Config{})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	send(t, b, a, "unread")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	_, _, readErr := a.ReadFrom(nil)
	_, writeErr := a.WriteTo(nil, b.LocalAddr())
	for op, err := range map[string]error{
		"read":     readErr,
		"write":    writeErr,
		"close":    a.Close(),
		"deadline": a.SetDeadline(time.Time{}),
	} {
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v, want %v", op, err, net.ErrClosed)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	n := simnet.New(simnet.Config{PayloadMax: 3})
	defer n.Close()
	a := listen(t, n, hostA)
	send(t, a, a, "fit")
	if _, err := a.WriteTo([]byte("long"), a.LocalAddr()); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("four bytes: %v, want %v", err, syscall.EMSGSIZE)
	}
	if _, err := a.WriteTo(nil, &net.TCPAddr{}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("TCP address: %v, want %v", err, syscall.EINVAL)
	}
}
