package chaos

import (
	"slices"
	"sync"
	"time"
)

// Phase is what a run is at.
type Phase string

// The phases, in their order.
const (
	PhaseStart Phase = "starting the nodes"
	PhaseLoad  Phase = "load"
	PhaseHeal  Phase = "healing"
	PhaseRead  Phase = "reading every session"
	PhaseJudge Phase = "judging"
	PhaseSave  Phase = "saving"
)

// Progress is how far a run has got.
type Progress struct {
	Phase    Phase
	For      time.Duration // since the phase began
	Left     time.Duration // of the load, while it lasts
	Asked    int64         // operations, since the load began
	Answered int64         // of them
	UnderWay int           // operations, while the load lasts
	Faults   []string      // under way
	Waiting  string        // while starting and healing: why the nodes are not one cluster yet
	Done     int64         // sessions read
	Total    int64         // that are to be read
}

// pulse knows how far a run has got, and tells whoever watches. It owns a goroutine, which stop joins.
type pulse struct {
	watch func(Progress)
	over  chan struct{}
	ended sync.WaitGroup

	mu     sync.Mutex // guards the rest; not held while watch is called
	now    Progress
	began  time.Time // the phase
	until  time.Time // when the load is over
	tally  *tally    // of the load, once there is one
	asking func() int
	atHang []func() // see guard
}

// beat is how often a pulse tells.
const beat = time.Second

// newPulse begins to tell; watch may be called from several goroutines at a time.
func newPulse(watch func(Progress)) *pulse {
	p := &pulse{watch: watch, over: make(chan struct{}), began: time.Now(), now: Progress{Phase: PhaseStart}}
	p.ended.Go(func() { // ends at stop
		again := time.NewTicker(beat)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				p.watch(p.progress())
			case <-p.over:
				return
			}
		}
	})
	return p
}

func (p *pulse) stop() {
	close(p.over)
	p.ended.Wait()
}

// progress is how far the run has got.
func (p *pulse) progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now
	now.For, now.Faults = time.Since(p.began), slices.Clone(now.Faults)
	if now.Phase == PhaseLoad {
		now.Left, now.UnderWay = max(time.Until(p.until), 0), p.asking()
	}
	if p.tally != nil {
		now.Asked, now.Answered, now.Done = p.tally.asked.Load(), p.tally.answered.Load(), p.tally.read.Load()
	}
	return now
}

// phase begins a phase, and tells.
func (p *pulse) phase(phase Phase) {
	p.mu.Lock()
	p.now.Phase, p.now.Waiting, p.began = phase, "", time.Now()
	p.mu.Unlock()
	p.watch(p.progress())
}

// load begins the phase of the load; asking tells how many operations are under way.
func (p *pulse) load(length time.Duration, t *tally, asking func() int) {
	p.mu.Lock()
	p.until, p.tally, p.asking = time.Now().Add(length), t, asking
	p.mu.Unlock()
	p.phase(PhaseLoad)
}

// read begins the phase of the final reads, or adds some.
func (p *pulse) read(count int) {
	p.phase(PhaseRead)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Total += int64(count)
}

// waitsFor notes why the nodes are not one cluster. There may be no pulse: a cluster that is kept up has none.
func (p *pulse) waitsFor(why string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.Phase == PhaseStart || p.now.Phase == PhaseHeal {
		p.now.Waiting = why
	}
}

// during notes a fault until over is called.
func (p *pulse) during(step Step) (over func()) {
	text := step.sentence()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Faults = append(p.now.Faults, text)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.now.Faults, text); i >= 0 {
			p.now.Faults = slices.Delete(p.now.Faults, i, i+1)
		}
	}
}
