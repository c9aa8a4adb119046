package chaos

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestARunThatHangsIsGivenUp: the error says where, the file what each goroutine does, and what can be tidied up is.
func TestARunThatHangsIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(func(Progress) {})
		defer p.stop()
		release, tidied := make(chan struct{}), 0
		defer close(release)
		p.whenHung(func() { tidied++ })
		p.whenHung(func() { <-release }) // which hangs as well
		began := time.Now()
		r, err := p.guard(t.Context(), dir, time.Minute, 2*time.Minute, func() (*Result, error) {
			p.phase(PhaseHeal)
			p.waitsFor("node-3 sees nobody")
			stuckForGood(release)
			return nil, nil
		})
		if r != nil || !errors.Is(err, ErrHung) || time.Since(began) != 3*time.Minute+tidyLimit {
			t.Errorf("%v, %v after %v", r, err, time.Since(began))
		}
		for _, want := range []string{`after 3m0s: it was at "healing" for 3m0s, waiting because node-3 sees nobody`, filepath.Join(dir, GoroutinesFile)} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v; it does not say %q", err, want)
			}
		}
		if tidied != 1 {
			t.Errorf("tidied up %d times", tidied)
		}
	})
	dump, err := os.ReadFile(filepath.Join(dir, GoroutinesFile))
	if err != nil || !strings.Contains(string(dump), "stuckForGood") {
		t.Errorf("%v, and the goroutines do not show it:\n%s", err, dump)
	}
}

//go:noinline
func stuckForGood(release <-chan struct{}) { <-release }

func TestARunThatIsInterruptedHasLessTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(func(Progress) {})
		defer p.stop()
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		_, err := p.guard(ctx, dir, time.Hour, 2*time.Minute, func() (*Result, error) { <-release; return nil, nil })
		if !errors.Is(err, ErrHung) || time.Since(began) != 3*time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestARunThatEndsIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(func(Progress) {})
		defer p.stop()
		p.whenHung(func() { t.Error("tidied up") })
		r, err := p.guard(t.Context(), t.TempDir(), time.Minute, time.Minute, func() (*Result, error) {
			time.Sleep(119 * time.Second)
			return &Result{}, ErrNotWhole
		})
		if r == nil || !errors.Is(err, ErrNotWhole) {
			t.Errorf("%v, %v", r, err)
		}
	})
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one sync.Mutex // as Options have it
		var told []Progress
		p := newPulse(func(now Progress) {
			one.Lock()
			defer one.Unlock()
			told = append(told, now)
		})
		p.waitsFor("node-1 does not answer")
		time.Sleep(1500 * time.Millisecond)
		var done tally
		p.load(10*time.Second, &done, func() int { return 7 })
		done.asked.Add(5)
		done.answered.Add(4)
		over := p.during(Step{Kind: Cut, Whom: []string{"node-1"}, Against: []string{"node-2"}})
		p.waitsFor("it settles during the load")
		time.Sleep(time.Second)
		over()
		p.phase(PhaseHeal)
		p.read(9)
		done.read.Add(3)
		time.Sleep(time.Second)
		p.stop()
		if len(told) != 6 {
			t.Fatalf("told %d times: %+v", len(told), told)
		}
		want := []Progress{
			{Phase: PhaseStart, For: time.Second, Waiting: "node-1 does not answer"},
			{Phase: PhaseLoad, Left: 10 * time.Second, UnderWay: 7},
			{Phase: PhaseLoad, For: 500 * time.Millisecond, Left: 9500 * time.Millisecond, UnderWay: 7, Asked: 5, Answered: 4,
				Faults: []string{"cut node-1 from node-2"}},
			{Phase: PhaseHeal, Asked: 5, Answered: 4},
			{Phase: PhaseRead, Asked: 5, Answered: 4},
			{Phase: PhaseRead, For: 500 * time.Millisecond, Asked: 5, Answered: 4, Done: 3, Total: 9},
		}
		for i := range want {
			if diff := cmp.Diff(want[i], told[i], cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("told %d: (-want +got)\n%s", i, diff)
			}
		}
	})
}
