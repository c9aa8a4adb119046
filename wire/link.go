package wire

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// Defaults of LinkConfig.
const (
	LinkBackoffMin = 50 * time.Millisecond
	LinkBackoffMax = 2 * time.Second
)

// LinkConfig configures NewLink.
type LinkConfig struct {
	// Endpoint dials; the link does not own it.
	Endpoint *Endpoint
	// Addr returns the address, as for Endpoint.Dial, for the next attempt.
	Addr func() string
	// Handler is started on every connection of the link.
	Handler Handler
	// OnUp is called on the link's goroutine when a connection has been made and started, before Send uses it; here belongs
	// the layer's own greeting. An error closes the connection and counts as a failed attempt. It must come back when
	// the context is done, which it is when the link closes or the connection ends. May be nil.
	OnUp func(context.Context, *Conn) error
	// OnDown is called on the link's goroutine when an attempt has failed or the connection has ended, with the reason
	// and the time until the next attempt. May be nil.
	OnDown func(err error, retry time.Duration)
	// BackoffMin and BackoffMax bound the time between attempts: it doubles from one to the other with each failure, and
	// each wait is drawn between half of it and all of it. A success sets it back.
	BackoffMin, BackoffMax time.Duration
	// Random returns numbers in [0, 1); only the link's goroutine calls it. Default: math/rand/v2.
	Random func() float64
}

// Link keeps one connection to an address. Its methods may be called from any goroutine.
type Link struct {
	conf    LinkConfig
	current atomic.Pointer[Conn] // up and greeted, else nil
	stop    context.CancelFunc
	done    chan struct{} // closed when the link's goroutine has returned
}

// NewLink starts to connect. The caller must Close the link.
func NewLink(config LinkConfig) *Link {
	config.BackoffMin = cmp.Or(config.BackoffMin, LinkBackoffMin)
	config.BackoffMax = max(cmp.Or(config.BackoffMax, LinkBackoffMax), config.BackoffMin)
	if config.Random == nil {
		config.Random = rand.Float64
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Link{conf: config, stop: stop, done: make(chan struct{})}
	// The link's goroutine owns the connection; stop ends it, and Close joins it.
	go func() {
		defer close(l.done)
		l.keep(ctx)
	}()
	return l
}

// Conn returns the connection, or nil while the link is down.
func (l *Link) Conn() *Conn { return l.current.Load() }

// Send is Conn.Send on the connection of the moment, or ErrDown. A frame sent just before the link goes down is lost.
func (l *Link) Send(lane int, m Appender) error {
	c := l.current.Load()
	if c == nil {
		return ErrDown
	}
	return c.Send(lane, m)
}

// Close ends the connection and returns when the link's goroutine has, and the connection is done. It must not be called
// from the Handler, OnUp or OnDown.
func (l *Link) Close() {
	l.stop()
	<-l.done
}

// keep makes one connection after the other until ctx is done.
func (l *Link) keep(ctx context.Context) {
	backoff := l.conf.BackoffMin
	for ctx.Err() == nil {
		up, err := l.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if up {
			backoff = l.conf.BackoffMin
		}
		wait := time.Duration((0.5 + l.conf.Random()/2) * float64(backoff))
		if l.conf.OnDown != nil {
			l.conf.OnDown(err, wait)
		}
		pause(ctx, wait)
		backoff = min(2*backoff, l.conf.BackoffMax)
	}
}

// once makes a connection and returns when it has ended and why, and whether it had come up.
func (l *Link) once(ctx context.Context) (up bool, err error) {
	c, err := l.conf.Endpoint.Dial(ctx, l.conf.Addr())
	if err != nil {
		return false, err
	}
	c.Start(l.conf.Handler)
	if err := l.greet(ctx, c); err != nil {
		c.Close("greeting failed: " + err.Error())
		<-c.Done()
		return false, fmt.Errorf("greet: %w", err)
	}
	l.current.Store(c)
	select {
	case <-c.quic.Context().Done():
	case <-ctx.Done():
		c.Close("link closed")
	}
	l.current.Store(nil)
	<-c.Done()
	return true, c.Err()
}

// greet calls OnUp with a context that also ends with the connection.
func (l *Link) greet(ctx context.Context, c *Conn) error {
	if l.conf.OnUp == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.quic.Context(), cancel)()
	return l.conf.OnUp(ctx, c)
}

// pause waits, or returns early when ctx is done.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
