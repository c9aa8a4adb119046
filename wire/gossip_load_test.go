package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// pings measures round trips of packets at 20 a second, each of 100 bytes.
type pings struct {
	mu   sync.Mutex // guards the fields below
	sent map[uint32]time.Time
	took []time.Duration
}

// run sends n pings by write and returns the round trips that came back within a second, sorted.
func (p *pings) run(n int, write func([]byte) error) []time.Duration {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for i := range n {
		b := make([]byte, 100)
		binary.BigEndian.PutUint32(b, uint32(i))
		p.mu.Lock()
		p.sent[uint32(i)] = time.Now()
		p.mu.Unlock()
		_ = write(b) // a ping that was not sent counts as lost
		<-ticker.C
	}
	for range 20 {
		<-ticker.C
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.took)
	return p.took
}

func (p *pings) answered(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at, ok := p.sent[binary.BigEndian.Uint32(b)]; ok {
		p.took = append(p.took, time.Since(at))
	}
}

// answer calls handle for every packet until read fails, which the benchmark's end brings about; wg joins it.
func answer(wg *sync.WaitGroup, read func([]byte) (int, net.Addr, error), handle func([]byte, net.Addr)) {
	wg.Go(func() {
		b := make([]byte, 2000)
		for {
			n, from, err := read(b)
			if err != nil {
				return
			}
			handle(b[:n], from)
		}
	})
}

// sharedSocket pings over the sockets of the endpoints.
func sharedSocket(b *testing.B, wg *sync.WaitGroup, near, far *Endpoint, p *pings) func([]byte) error {
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	reader := func(e *Endpoint) func([]byte) (int, net.Addr, error) {
		return func(buf []byte) (int, net.Addr, error) { return e.ReadGossip(ctx, buf) }
	}
	answer(wg, reader(far), func(buf []byte, from net.Addr) { _ = far.WriteGossip(buf, from) }) // loss is measured
	answer(wg, reader(near), func(buf []byte, _ net.Addr) { p.answered(buf) })
	return func(buf []byte) error { return near.WriteGossip(buf, far.Addr()) }
}

// ownSocket pings over two further sockets.
func ownSocket(b *testing.B, wg *sync.WaitGroup, _, _ *Endpoint, p *pings) func([]byte) error {
	var sockets [2]*net.UDPConn
	for i := range sockets {
		socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = socket.Close() })
		sockets[i] = socket
	}
	near, far := sockets[0], sockets[1]
	answer(wg, far.ReadFrom, func(buf []byte, from net.Addr) { _, _ = far.WriteTo(buf, from) }) // loss is measured
	answer(wg, near.ReadFrom, func(buf []byte, _ net.Addr) { p.answered(buf) })
	return func(buf []byte) error { _, err := near.WriteTo(buf, far.LocalAddr()); return err }
}

// endless sends a frame for every one that arrives until it is told to stop.
type endless struct {
	hooks
	frame Frame
	mu    sync.Mutex // guards the fields below
	stop  bool
	count int
}

func (e *endless) Frames(c *Conn, lane int, frames []Frame) {
	e.mu.Lock()
	e.count += len(frames)
	stop := e.stop
	e.mu.Unlock()
	for range frames {
		if !stop {
			_ = c.Send(lane, &e.frame) // the count shows if it matters
		}
	}
}

func (e *endless) end() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop = true
	return e.count
}

// answerShort answers each frame with an empty one, as a learner answers the chunks of a snapshot.
var answerShort = hooks{frames: func(c *Conn, lane int, frames []Frame) {
	for range frames {
		_ = c.Send(lane, text("")) // the count shows if it matters
	}
}}

// BenchmarkGossipUnderLoad answers whether gossip may share the socket: it pings 20 times a second over the endpoints'
// sockets and over separate ones, while frames saturate a connection between the endpoints: of 128 bytes on four lanes,
// there and back, or of 64 KiB one way on the last lane, always more of them than its window takes. Run it with
// -benchtime=400x, which is the number of pings.
func BenchmarkGossipUnderLoad(b *testing.B) {
	for _, bench := range []struct {
		name      string
		flying    int // frames in flight
		sizeBytes int // of a frame
		lanes     int // that carry them, the last ones
		far       Handler
		over      func(*testing.B, *sync.WaitGroup, *Endpoint, *Endpoint, *pings) func([]byte) error
	}{
		{"idle/shared", 0, 128, 4, echo, sharedSocket},
		{"idle/separate", 0, 128, 4, echo, ownSocket},
		{"256/shared", 256, 128, 4, echo, sharedSocket},
		{"256/separate", 256, 128, 4, echo, ownSocket},
		{"4096/shared", 4096, 128, 4, echo, sharedSocket},
		{"4096/separate", 4096, 128, 4, echo, ownSocket},
		{"64KiB/shared", 48, 64 << 10, 1, answerShort, sharedSocket},
		{"64KiB/separate", 48, 64 << 10, 1, answerShort, ownSocket},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var wg sync.WaitGroup
			b.Cleanup(wg.Wait) // runs last: the cleanups of sockets come first
			near, far := listen(b, EndpointConfig{}), listen(b, EndpointConfig{})
			load := &endless{frame: Frame{Type: 1, Payload: make([]byte, bench.sizeBytes)}}
			c, _ := connect(b, near, far, load, bench.far)
			p := &pings{sent: make(map[uint32]time.Time)}
			write := bench.over(b, &wg, near, far, p)
			for i := range bench.flying {
				if err := c.Send(c.Lanes()-1-i%bench.lanes, &load.frame); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			took := p.run(b.N, write)
			b.StopTimer()
			count := load.end()
			b.ReportMetric(float64(count)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(100*float64(b.N-len(took))/float64(b.N), "lost-%")
			if len(took) == 0 {
				return // the trial run of one ping, sent before the other side reads
			}
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
		})
	}
}

func TestGossipPackets(t *testing.T) {
	near, far := listen(t, EndpointConfig{}), listen(t, EndpointConfig{})
	ctx := within(t)
	// Packets that come before the first read are dropped, so the sender repeats.
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	stop, wg := make(chan struct{}), sync.WaitGroup{}
	wg.Go(func() {
		for {
			select {
			case <-ticker.C:
				_ = near.WriteGossip([]byte{244, 1, 2}, far.Addr()) // repeated
			case <-stop:
				return
			}
		}
	})
	b := make([]byte, GossipPacketMax+1)
	n, from, err := far.ReadGossip(ctx, b)
	close(stop)
	wg.Wait()
	if err != nil || !slices.Equal(b[:n], []byte{244, 1, 2}) || from.String() != near.Addr().String() {
		t.Errorf("got %v from %v, %v", b[:n], from, err)
	}
	if err := near.WriteGossip(make([]byte, GossipPacketMax+1), far.Addr()); !errors.Is(err, ErrFrameTooLarge) {
		t.Errorf("got %v, want ErrFrameTooLarge", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	for {
		if _, _, err = far.ReadGossip(done, b); err != nil {
			break
		}
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := far.ReadGossip(ctx, b); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
}
