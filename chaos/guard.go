package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"time"
)

// GoroutinesFile stands in the directory of a run that hung: what each goroutine was doing.
const GoroutinesFile = "goroutines.txt"

// Limits of a run as a whole, beyond those of each wait. Starting takes at most a minute, the clients at most two, the end of the
// last fault three, healing and reading five; judging grows with the load.
const (
	overtimeMax = 15 * time.Minute
	tidyLimit   = 15 * time.Second // for each thing that is tidied up when a run hangs
)

// ErrHung means that a run took longer than any run may; its text says where it hung.
var ErrHung = errors.New("the run hangs")

// overtime is how long a run may go on when its load should be over: 15 min and half of the load.
func (o Options) overtime() time.Duration { return overtimeMax + o.Length/2 }

// late is how long the load goes on for faults that come late: half a minute and a quarter of its length.
func (o Options) late() time.Duration { return lateMax + o.Length/4 }

// whenHung has something done if the run hangs, at most once.
func (p *pulse) whenHung(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atHang = append(p.atHang, do)
}

// guard calls run and returns what it does, unless that takes longer than the load and the time beyond it; what remains when ctx
// is done is the latter. Then it writes down what each goroutine does, tidies up and gives up; run's goroutine is left alone.
func (p *pulse) guard(ctx context.Context, dir string, load, beyond time.Duration, run func() (*Result, error)) (*Result, error) {
	type outcome struct {
		*Result
		error
	}
	done := make(chan outcome, 1)
	go func() { // ends with the run; one that hangs never does
		r, err := run()
		done <- outcome{r, err}
	}()
	late := time.NewTimer(load + beyond)
	defer late.Stop()
	stopped := ctx.Done()
	began := time.Now()
	for {
		select {
		case o := <-done:
			return o.Result, o.error
		case <-stopped:
			stopped = nil
			late.Reset(min(beyond, time.Until(began.Add(load+beyond))))
		case <-late.C:
			return nil, p.hung(dir, time.Since(began))
		}
	}
}

// hung writes down where the run hangs, and tidies up what it can.
func (p *pulse) hung(dir string, after time.Duration) error {
	at := p.progress()
	where := fmt.Sprintf("%q for %v", at.Phase, at.For.Round(time.Second))
	if at.Waiting != "" {
		where += ", waiting because " + at.Waiting
	}
	file := filepath.Join(dir, GoroutinesFile)
	err := fmt.Errorf("%w after %v: it was at %s; what it was doing stands in %s; 'sessnode chaos clean' removes what may be left",
		ErrHung, after.Round(time.Second), where, file)
	f, createErr := os.Create(file)
	if createErr == nil {
		createErr = errors.Join(pprof.Lookup("goroutine").WriteTo(f, 2), f.Close())
	}
	p.mu.Lock()
	tidy := p.atHang
	p.mu.Unlock()
	for _, do := range slices.Backward(tidy) {
		done := make(chan struct{})
		go func() { // ends with what it does, which may hang too
			defer close(done)
			do()
		}()
		select {
		case <-done:
		case <-time.After(tidyLimit):
		}
	}
	return errors.Join(err, createErr)
}
