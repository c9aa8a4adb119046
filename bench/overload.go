package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/client"
)

// What overload is measured with.
const (
	overloadClients  = 4
	overloadSessions = 24_000
	overloadCallers  = 128 // of each client, while the peak is looked for
	peakWarm         = time.Second
	peakWindow       = 4 * time.Second
	overloadWindow   = 10 * time.Second
	overloadPause    = 2 * time.Second // after each rate
	usefulFor        = time.Second     // a later answer has nobody waiting for it
	goodputMin       = 0.8             // of the peak, whatever is offered beyond it
	recoveredMin     = 0.95            // of what is offered when that is little again
	turnTries        = 64              // sessions looked at for one that has no request under way
)

func overload() Scenario {
	return Scenario{
		Name: "overload", Title: "More is asked than can be answered", nodes: 3, run: runOverload,
		Text: `Three nodes and four clients. 512 callers ask as fast as they are answered: that is the peak. Then requests are due at
half of it, for ten seconds, whatever becomes of the earlier ones. The same with all of the peak, twice and four times as much,
each beside a peak measured right before, and at half of the last one again. Callers give up after a second, and goodput is the
requests answered within a second. The clients run on the same machine and take from it what the nodes could use; how many
requests they could really make is shown.`,
	}
}

// crowd is the clients of an overload, each with sessions of its own.
type crowd []*load

func runOverload(ctx context.Context, s *stage) error {
	if err := s.fillAnywhere(ctx, overloadSessions, 100); err != nil {
		return err
	}
	c, err := s.crowd(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	began, peak := time.Now(), 0.0
	for _, times := range []float64{0.5, 1, 2, 4} {
		if peak, err = c.peak(ctx); err != nil {
			return err
		}
		if err := s.offer(ctx, c, peak, times); err != nil {
			return err
		}
	}
	again, made, _, err := c.offer(ctx, int(peak/2))
	if err != nil {
		return err
	}
	s.result.atLeast("goodput at half the peak again, over what is offered", hundredths(again/made), "", recoveredMin)
	s.result.none("slots that changed their primary", deposed(s.watch.since(began)))
	return s.reckon(ctx, c)
}

// crowd shares the sessions out among several clients.
func (s *stage) crowd(ctx context.Context) (c crowd, err error) {
	for share := range slices.Chunk(s.load.sessions, len(s.load.sessions)/overloadClients) {
		store, err := s.dial(ctx, client.Config{Timeout: usefulFor})
		if err != nil {
			c.close()
			return nil, err
		}
		c = append(c, &load{store: store, sessions: share})
	}
	return c, nil
}

func (c crowd) close() {
	for _, l := range c {
		_ = l.store.(*client.Client).Close() // nothing is under way
	}
}

// peak is the requests per second that are answered to callers who wait for each answer.
func (c crowd) peak(ctx context.Context) (float64, error) {
	calling, stop := context.WithTimeout(ctx, peakWarm+peakWindow)
	defer stop()
	var callers sync.WaitGroup
	began := time.Now()
	for _, l := range c {
		for i := range overloadCallers {
			callers.Go(func() {
				for j := i; calling.Err() == nil; j += overloadCallers {
					l.request(time.Now(), l.sessions[j%len(l.sessions)])
				}
			})
		}
	}
	callers.Wait()
	from := began.Add(peakWarm)
	return c.goodput(from, from.Add(peakWindow)), ctx.Err()
}

// failed counts the requests that were refused or not answered.
func (c crowd) failed() (count int) {
	for _, l := range c {
		l.mu.Lock()
		count += l.failed
		l.mu.Unlock()
	}
	return count
}

// goodput is the requests per second, of those due in [from, to), that were answered in time.
func (c crowd) goodput(from, to time.Time) float64 {
	good := 0
	for _, l := range c {
		for _, took := range tookBetween(l.answered(), from, to, every) {
			if took <= usefulFor {
				good++
			}
		}
	}
	return float64(good) / to.Sub(from).Seconds()
}

// offer measures one rate and adds its figures.
func (s *stage) offer(ctx context.Context, c crowd, peak, times float64) error {
	rate := int(peak * times)
	s.Say("%d requests per second, %g times the peak", rate, times)
	failed := c.failed()
	good, made, took, err := c.offer(ctx, rate)
	if err != nil {
		return err
	}
	s.Say("  %.0f per second answered in time, %.2f of the peak; %d answered, half of them in %v, %d refused",
		good, good/peak, len(took), percentile(took, 0.5).Round(time.Millisecond), c.failed()-failed)
	at := fmt.Sprintf("at %g times the peak", times)
	s.result.show("peak, before requests "+at, math.Round(peak), "requests/s")
	s.result.show("goodput "+at, math.Round(good), "requests/s")
	if share := hundredths(good / peak); times > 1 {
		s.result.atLeast("goodput "+at+", over the peak", share, "", goodputMin)
	} else {
		s.result.show("goodput "+at+", over the peak", share, "")
	}
	s.result.show("requests really made "+at+", over the peak", hundredths(made/peak), "")
	s.result.show("latency of those answered "+at+", p99", ms(percentile(took, 0.99)), "ms")
	return wait(ctx, overloadPause)
}

// offer makes requests due at a rate for a while and returns the goodput, how many were made a second, and the latencies of
// those answered, ascending.
func (c crowd) offer(ctx context.Context, rate int) (good, made float64, took []time.Duration, err error) {
	began := time.Now()
	var loads, under sync.WaitGroup
	counts := make([]int, len(c))
	for i, l := range c {
		loads.Go(func() { counts[i] = l.offer(ctx, began, rate/len(c), i*7, &under) })
	}
	loads.Wait()
	under.Wait()
	to := began.Add(overloadWindow)
	for _, l := range c {
		took = append(took, tookBetween(l.answered(), began, to, every)...)
	}
	slices.Sort(took)
	for _, n := range counts {
		made += float64(n) / overloadWindow.Seconds()
	}
	return c.goodput(began, to), made, took, ctx.Err()
}

// offer makes requests due at a rate for overloadWindow, each of a session that has none under way, and counts them. One that
// this process makes late counts from when it is made; what it has not made at the end is not made.
func (l *load) offer(ctx context.Context, began time.Time, rate, first int, under *sync.WaitGroup) (made int) {
	at := first
	for i := 0; ctx.Err() == nil; i++ {
		due := dueAt(began, i, rate)
		if wait := time.Until(due); wait > time.Millisecond {
			time.Sleep(wait)
		} else if i%64 == 0 {
			runtime.Gosched()
		}
		now := time.Now()
		if due.Sub(began) >= overloadWindow || now.Sub(began) >= overloadWindow {
			break
		}
		made++
		s := l.idle(&at)
		if s == nil {
			continue // made, and not answered
		}
		under.Go(func() {
			defer s.turn.Unlock()
			l.note(now, s, l.once(s))
		})
	}
	return made
}

// idle finds a session without a request under way, which it takes; nil if none of the next is one.
func (l *load) idle(at *int) *session {
	for range turnTries {
		*at++
		if s := l.sessions[*at%len(l.sessions)]; s.turn.TryLock() {
			return s
		}
	}
	return nil
}

// deposed counts the changes that gave a slot to another node.
func deposed(changes []change) (count int) {
	for _, c := range changes {
		if c.before.primary != c.after.primary {
			count++
		}
	}
	return count
}

func hundredths(x float64) float64 { return math.Round(100*x) / 100 }

// reckon adds what went wrong; a refusal is no fault here.
func (s *stage) reckon(ctx context.Context, c crowd) error {
	s.Say("reading every session once more")
	wrong, unread := 0, 0
	for _, l := range c {
		before := l.failed
		if err := l.verify(ctx); err != nil {
			return err
		}
		unread += l.failed - before
		wrong += l.wrong
		s.result.Faults = append(s.result.Faults, l.faults[:min(len(l.faults), 2)]...)
	}
	s.result.none("sessions that could not be read at the end", unread)
	s.result.none("answers lost, stale or wrong", wrong)
	return nil
}
