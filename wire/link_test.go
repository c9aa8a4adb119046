package wire

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// linkEvents records what a link reports.
type linkEvents struct {
	ups   chan *Conn
	downs chan error
}

func newLinkEvents() linkEvents {
	return linkEvents{ups: make(chan *Conn, 100), downs: make(chan error, 100)}
}

func (e linkEvents) config(from *Endpoint, addr string, h Handler) LinkConfig {
	return LinkConfig{
		Endpoint:   from,
		Addr:       func() string { return addr },
		Handler:    h,
		OnUp:       func(_ context.Context, c *Conn) error { e.ups <- c; return nil },
		OnDown:     func(err error, _ time.Duration) { e.downs <- err },
		BackoffMin: time.Millisecond,
		BackoffMax: 5 * time.Millisecond,
	}
}

func TestLinkReconnects(t *testing.T) {
	server := listen(t, EndpointConfig{})
	events, got := newLinkEvents(), newCollect()
	link := NewLink(events.config(listen(t, EndpointConfig{}), server.Addr().String(), got))
	defer link.Close()
	for range 3 {
		c, err := server.Accept(within(t))
		if err != nil {
			t.Fatal(err)
		}
		c.Start(echo)
		<-events.ups
		ctx := within(t)
		for err = ErrDown; errors.Is(err, ErrDown) && ctx.Err() == nil; {
			err = link.Send(1, text("a")) // up is reported just before Send works
		}
		if err != nil {
			t.Fatal(err)
		}
		got.wait(t, 1, 1)
		got.mu.Lock()
		clear(got.frames)
		got.mu.Unlock()
		c.Close("test")
		if err := <-events.downs; !errors.Is(err, ErrPeerClosed) {
			t.Errorf("down for %v, want ErrPeerClosed", err)
		}
		if err := link.Send(1, text("a")); err != nil && !errors.Is(err, ErrDown) {
			t.Errorf("while down: got %v, want ErrDown", err)
		}
	}
}

func TestLinkGreetingFails(t *testing.T) {
	server := listen(t, EndpointConfig{})
	events := newLinkEvents()
	conf := events.config(listen(t, EndpointConfig{}), server.Addr().String(), hooks{})
	other := errors.New("other cluster")
	conf.OnUp = func(context.Context, *Conn) error { return other }
	link := NewLink(conf)
	defer link.Close()
	if err := <-events.downs; !errors.Is(err, other) {
		t.Errorf("down for %v, want %v", err, other)
	}
	if err := link.Send(0, text("a")); !errors.Is(err, ErrDown) || link.Conn() != nil {
		t.Errorf("got %v, want ErrDown", err)
	}
}

// A greeting that waits for an answer ends with the connection, and with the link.
func TestLinkGreetingEndsWithConnection(t *testing.T) {
	server := listen(t, EndpointConfig{})
	events := newLinkEvents()
	conf := events.config(listen(t, EndpointConfig{}), server.Addr().String(), hooks{})
	greeting := make(chan struct{}, 100)
	conf.OnUp = func(ctx context.Context, _ *Conn) error {
		greeting <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}
	link := NewLink(conf)
	c, err := server.Accept(within(t))
	if err != nil {
		t.Fatal(err)
	}
	<-greeting
	c.Close("test")
	<-events.downs
	<-greeting // the next attempt
	link.Close()
}

func TestLinkBackoff(t *testing.T) {
	nowhere := listen(t, EndpointConfig{Role: RoleClient})
	var waits []time.Duration
	enough := make(chan struct{})
	link := NewLink(LinkConfig{
		Endpoint: nowhere,
		Addr:     func() string { return "not an address" },
		Handler:  hooks{},
		OnDown: func(_ error, wait time.Duration) {
			if waits = append(waits, wait); len(waits) == 6 {
				close(enough)
			}
		},
		BackoffMin: 2 * time.Millisecond,
		BackoffMax: 10 * time.Millisecond,
		Random:     func() float64 { return 0.5 },
	})
	<-enough
	link.Close()
	const unit = 1500 * time.Microsecond
	want := []time.Duration{unit, 2 * unit, 4 * unit, 5 * unit, 5 * unit, 5 * unit}
	if diff := cmp.Diff(want, waits[:6]); diff != "" {
		t.Errorf("waits differ (-want +got):\n%s", diff)
	}
}

func TestLinkCloseWhileDialing(t *testing.T) {
	dialing := make(chan struct{})
	link := NewLink(LinkConfig{
		Endpoint: listen(t, EndpointConfig{HandshakeTimeout: time.Hour}),
		Addr:     func() string { close(dialing); return "127.0.0.1:9" },
		Handler:  hooks{},
	})
	<-dialing
	link.Close()
}
