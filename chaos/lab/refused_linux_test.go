package lab

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

// refusedWithin sends to a port where nobody listens, from a socket of its own as nodes do, until told that it is refused.
func refusedWithin(t *testing.T, from, to *Place, limit time.Duration) bool {
	t.Helper()
	var socket net.Conn
	dial := func() (err error) {
		socket, err = net.Dial("udp4", to.Addr())
		return err
	}
	if ns, ok := from.site.(*namespace); ok {
		must(t, ns.enter(dial))
	} else {
		must(t, dial())
	}
	defer socket.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(limit); time.Now().Before(until); <-tick.C {
		if _, err := socket.Write([]byte{1}); errors.Is(err, syscall.ECONNREFUSED) {
			return true
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return false
}

func TestADeadProcessIsRefusedInNamespacesAndSilentBehindTheSwitch(t *testing.T) {
	onEach(t, func(t *testing.T, l *Lab) {
		a, err := l.Add("a")
		must(t, err)
		b, err := l.Add("b")
		must(t, err)
		_, kernel := a.site.(*namespace)
		limit := 30 * time.Millisecond
		if kernel {
			limit = patience
		}
		if got := refusedWithin(t, a, b, limit); got != kernel {
			t.Errorf("a dead port refuses: %v, want %v", got, kernel)
		}
		_, err = l.Cut([]string{"a"}, []string{"b"}, false)
		must(t, err)
		if refusedWithin(t, a, b, 30*time.Millisecond) {
			t.Error("a dead port refuses through a cut")
		}
	})
}
