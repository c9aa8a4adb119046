package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// hands is a right clock that a test moves.
type hands struct{ replica.Instant }

func (h *hands) now() replica.Instant { return h.Instant }

func (h *hands) pass(d time.Duration) {
	h.Mono += d
	h.Wall += d.Milliseconds()
}

func TestAWrongClock(t *testing.T) {
	right := &hands{replica.Instant{Mono: time.Hour, Wall: 1_000_000}}
	c := newWrongClock(right.now)
	want := func(mono time.Duration, wall int64) {
		t.Helper()
		if got := c.now(); got.Mono != mono || got.Wall != wall {
			t.Errorf("%v and %d ms, want %v and %d ms", got.Mono, got.Wall, mono, wall)
		}
	}
	want(time.Hour, 1_000_000)
	if err := c.set("-3s 1.5"); err != nil {
		t.Fatal(err)
	}
	want(time.Hour, 997_000)
	right.pass(10 * time.Second)
	want(time.Hour+15*time.Second, 1_007_000)
	if err := c.set("0s 1\n"); err != nil {
		t.Fatal(err)
	}
	want(time.Hour+15*time.Second, 1_010_000) // the steady clock does not go back
	right.pass(time.Second)
	want(time.Hour+16*time.Second, 1_011_000)
}

func TestWhatAClockCannotBe(t *testing.T) {
	for _, text := range []string{"", "3s", "3 1", "3s fast", "3s 0", "3s NaN", "3s 1 1"} {
		if err := newWrongClock((&hands{}).now).set(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestAClockFollowsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, nil))
	right := &hands{replica.Instant{Wall: 1_000_000}}
	c := newWrongClock(right.now)
	last := c.follow(file, "", logger)
	if got := c.now().Wall; got != 1_000_000 || log.Len() > 0 {
		t.Errorf("without a file the time is %d, and the log says %q", got, log.String())
	}
	for _, step := range []struct {
		text string
		wall int64
		logs string
	}{
		{"2s 1", 1_002_000, "wrong on purpose"}, {"nonsense", 1_002_000, "not understood"}, {"0s 1", 1_000_000, "wrong on purpose"},
	} {
		log.Reset()
		if err := os.WriteFile(file, []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // it is told once
			last = c.follow(file, last, logger)
		}
		if got := c.now().Wall; got != step.wall || strings.Count(log.String(), step.logs) != 1 {
			t.Errorf("after %q the time is %d, want %d; the log says %q", step.text, got, step.wall, log.String())
		}
	}
}
