package wire

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

func TestListenErrors(t *testing.T) {
	taken := listen(t, EndpointConfig{}).Addr().String()
	for _, c := range []struct {
		name string
		conf EndpointConfig
		want error
	}{
		{"no key", EndpointConfig{Address: "127.0.0.1:0"}, ErrKeyText},
		{"taken", EndpointConfig{Key: testKey(t, 1), Address: taken}, ErrAddressTaken},
		{"development key in the open", EndpointConfig{Key: DevelopmentKey(), Address: ":0"}, ErrDevelopmentKey},
		{"development key, IPv6", EndpointConfig{Key: DevelopmentKey(), Address: "[::]:0"}, ErrDevelopmentKey},
	} {
		if e, err := Listen(c.conf); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.name, e, err, c.want)
		}
	}
	for name, change := range map[string]func(*EndpointConfig){
		"role":       func(c *EndpointConfig) { c.Role = 9 },
		"lanes":      func(c *EndpointConfig) { c.Lanes = 17 },
		"queue":      func(c *EndpointConfig) { c.QueueSizeMax = 100 },
		"conns":      func(c *EndpointConfig) { c.ConnsMax = -1 },
		"keep-alive": func(c *EndpointConfig) { c.KeepAlive = time.Minute },
		"address":    func(c *EndpointConfig) { c.Address = "nonsense" },
	} {
		conf := EndpointConfig{Key: testKey(t, 1), Address: "127.0.0.1:0"}
		change(&conf)
		if e, err := Listen(conf); err == nil {
			t.Errorf("%s: got %v, want an error", name, e)
			_ = e.Close()
		}
	}
}

func TestDevelopmentKeyStaysOnLoopback(t *testing.T) {
	server := listen(t, EndpointConfig{Key: DevelopmentKey()})
	client := listen(t, EndpointConfig{Key: DevelopmentKey(), Role: RoleClient})
	connect(t, client, server, hooks{}, hooks{})
	if _, err := client.Dial(within(t), "192.0.2.1:7946"); !errors.Is(err, ErrDevelopmentKey) {
		t.Errorf("dial beyond loopback: got %v, want ErrDevelopmentKey", err)
	}
}

func TestDialAddresses(t *testing.T) {
	dualStack := listen(t, EndpointConfig{Address: ":0", Role: RoleClient})
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			connect(t, dualStack, listen(t, EndpointConfig{Address: address}), hooks{}, hooks{})
		})
	}
	t.Run("name", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(listen(t, EndpointConfig{}).Addr().String())
		c, err := dualStack.Dial(within(t), net.JoinHostPort("localhost", port))
		if err != nil {
			t.Fatal(err)
		}
		c.Close("test")
	})
	t.Run("next address", func(t *testing.T) {
		server := listen(t, EndpointConfig{})
		dead := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
		client := listen(t, EndpointConfig{
			HandshakeTimeout: 100 * time.Millisecond,
			Resolve: func(context.Context, string) ([]net.Addr, error) {
				return []net.Addr{dead, server.Addr()}, nil
			},
		})
		c, err := client.Dial(within(t), "any name")
		if err != nil {
			t.Fatal(err)
		}
		c.Close("test")
	})
	for _, address := range []string{"", "nonsense", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "[::1]:7946"} {
		if c, err := listen(t, EndpointConfig{}).Dial(within(t), address); err == nil {
			t.Errorf("dial %q from IPv4: got %v, want an error", address, c)
		}
	}
}

func TestDialGivesUp(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	t.Run("after the handshake timeout", func(t *testing.T) {
		e := listen(t, EndpointConfig{HandshakeTimeout: 50 * time.Millisecond})
		if _, err := e.Dial(within(t), silent.LocalAddr().String()); !errors.Is(err, ErrPeerSilent) {
			t.Errorf("got %v, want ErrPeerSilent", err)
		}
	})
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if _, err := listen(t, EndpointConfig{}).Dial(ctx, silent.LocalAddr().String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want DeadlineExceeded", err)
		}
	})
}

func TestConnectionsAreLimited(t *testing.T) {
	server := listen(t, EndpointConfig{ConnsMax: 2})
	client := listen(t, EndpointConfig{Role: RoleClient})
	first, _ := connect(t, client, server, hooks{}, hooks{})
	connect(t, client, server, hooks{}, hooks{})
	refused(t, client, server, ErrBusy)
	first.Close("to make room")
	ctx, err := within(t), error(ErrBusy)
	for errors.Is(err, ErrBusy) && ctx.Err() == nil { // until the server has noticed
		_, err = client.Dial(ctx, server.Addr().String())
	}
	if err != nil {
		t.Errorf("after one has closed: %v", err)
	}
}

func TestAcceptNeedsNode(t *testing.T) {
	if _, err := listen(t, EndpointConfig{Role: RoleClient}).Accept(within(t)); !errors.Is(err, ErrRole) {
		t.Errorf("got %v, want ErrRole", err)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	server, err := Listen(EndpointConfig{Key: testKey(t, 1), Address: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	client := listen(t, EndpointConfig{Role: RoleClient})
	ended := make(chan error, 2)
	report := hooks{closed: func(_ *Conn, err error) { ended <- err }}
	connect(t, client, server, report, report)
	if _, err := client.Dial(within(t), server.Addr().String()); err != nil { // neither accepted nor started
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
	for range 2 {
		if err := <-ended; !errors.Is(err, ErrClosed) && !errors.Is(err, ErrPeerClosed) {
			t.Errorf("connection ended with %v", err)
		}
	}
	if _, err := server.Accept(within(t)); !errors.Is(err, ErrClosed) {
		t.Errorf("accept: got %v, want ErrClosed", err)
	}
	if _, err := server.Dial(within(t), client.Addr().String()); !errors.Is(err, ErrClosed) {
		t.Errorf("dial: got %v, want ErrClosed", err)
	}
}

// A restarted process is noticed at the next packet, long before the idle timeout.
func TestRestartIsNoticed(t *testing.T) {
	conf := EndpointConfig{Key: testKey(t, 1), Address: "127.0.0.1:0"}
	before, err := Listen(conf)
	if err != nil {
		t.Fatal(err)
	}
	conf.Address = before.Addr().String()
	client := listen(t, EndpointConfig{IdleTimeout: time.Hour, KeepAlive: 30 * time.Minute})
	c, _ := connect(t, client, before, hooks{}, hooks{})

	_ = before.conf.PacketConn.Close() // no farewell, as when the process is killed
	listen(t, conf)
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for ctx := within(t); c.Err() == nil && ctx.Err() == nil; <-ticker.C {
		_ = c.Send(0, &Frame{Type: 1, Payload: make([]byte, 100)}) // the connection ends at some moment
	}
	if err := c.Err(); !errors.Is(err, ErrPeerRestarted) {
		t.Errorf("connection ended with %v, want ErrPeerRestarted", err)
	}
	_ = before.Close() // complains about the socket
}
