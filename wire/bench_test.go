package wire

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// echoLoad keeps a number of requests of 128 bytes in flight: each answer sends the next one, from the reader's
// goroutine, as a node's handler would.
type echoLoad struct {
	hooks
	lanes   int
	started []time.Time       // by caller; owned by its lane's reader once it runs
	took    [][]time.Duration // by lane
	mu      sync.Mutex        // guards left
	left    int
	flying  sync.WaitGroup
}

func (e *echoLoad) Frames(c *Conn, lane int, frames []Frame) {
	now := time.Now()
	e.mu.Lock()
	again := min(len(frames), e.left)
	e.left -= again
	e.mu.Unlock()
	for i, f := range frames {
		caller := binary.BigEndian.Uint32(f.Payload)
		e.took[lane] = append(e.took[lane], now.Sub(e.started[caller]))
		if i < again {
			e.started[caller] = now
			_ = c.Send(lane, &frames[i]) // the benchmark hangs if it matters
		} else {
			e.flying.Done()
		}
	}
}

// run sends n requests with so many callers and returns how long each took, sorted.
func (e *echoLoad) run(c *Conn, callers, n int) []time.Duration {
	callers = min(callers, n)
	e.left = n - callers
	e.flying.Add(callers)
	for i := range callers {
		payload := make([]byte, 128)
		binary.BigEndian.PutUint32(payload, uint32(i))
		e.started[i] = time.Now()
		_ = c.Send(1+i%(e.lanes-1), &Frame{Type: 1, Payload: payload}) // the benchmark hangs if it matters
	}
	e.flying.Wait()
	all := slices.Concat(e.took...)
	slices.Sort(all)
	return all
}

func newEchoLoad(callers, lanes int) *echoLoad {
	return &echoLoad{lanes: lanes, started: make([]time.Time, callers), took: make([][]time.Duration, lanes)}
}

// blockedLoad keeps as many goroutines waiting for an answer, as an application's requests would.
type blockedLoad struct {
	hooks
	answers []chan struct{} // by caller, capacity 1
}

func (e *blockedLoad) Frames(_ *Conn, _ int, frames []Frame) {
	for _, f := range frames {
		e.answers[binary.BigEndian.Uint32(f.Payload)] <- struct{}{}
	}
}

func newBlockedLoad(callers int) *blockedLoad {
	e := &blockedLoad{answers: make([]chan struct{}, callers)}
	for i := range e.answers {
		e.answers[i] = make(chan struct{}, 1)
	}
	return e
}

// run sends n requests and returns how long each took, sorted.
func (e *blockedLoad) run(c *Conn, n int) []time.Duration {
	callers := min(len(e.answers), n)
	took := make([][]time.Duration, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			payload := make([]byte, 128)
			binary.BigEndian.PutUint32(payload, uint32(i))
			f := &Frame{Type: 1, Payload: payload}
			for j := i; j < n; j += callers {
				start := time.Now()
				_ = c.Send(1+i%(c.Lanes()-1), f) // the benchmark hangs if it matters
				<-e.answers[i]
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return all
}

func report(b *testing.B, took []time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
}

// BenchmarkEchoBlocked is BenchmarkEcho with a goroutine per caller.
func BenchmarkEchoBlocked(b *testing.B) {
	for _, lanes := range []int{2, 5} {
		for _, callers := range []int{1, 64, 256, 512} {
			b.Run(fmt.Sprintf("lanes=%d/callers=%d", lanes, callers), func(b *testing.B) {
				server := listen(b, EndpointConfig{})
				client := listen(b, EndpointConfig{Role: RoleClient, Lanes: lanes})
				load := newBlockedLoad(callers)
				c, _ := connect(b, client, server, load, echo)
				b.ReportAllocs()
				b.ResetTimer()
				took := load.run(c, b.N)
				b.StopTimer()
				report(b, took)
				if os.Getenv("STATS") != "" {
					b.Logf("%+v", c.quic.ConnectionStats())
				}
			})
		}
	}
}

// BenchmarkEcho measures one connection on loopback, both ends in this process, frames of 128 bytes.
func BenchmarkEcho(b *testing.B) {
	for _, lanes := range []int{2, 5} {
		for _, callers := range []int{1, 64, 256, 512} {
			b.Run(fmt.Sprintf("lanes=%d/callers=%d", lanes, callers), func(b *testing.B) {
				server := listen(b, EndpointConfig{})
				client := listen(b, EndpointConfig{Role: RoleClient, Lanes: lanes})
				load := newEchoLoad(callers, lanes)
				c, _ := connect(b, client, server, load, echo)
				b.ReportAllocs()
				b.ResetTimer()
				took := load.run(c, callers, b.N)
				b.StopTimer()
				report(b, took)
				if os.Getenv("STATS") != "" {
					b.Logf("%+v", c.quic.ConnectionStats())
				}
			})
		}
	}
}
