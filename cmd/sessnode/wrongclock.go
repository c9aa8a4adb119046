package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// wrongClock is a machine's clock made wrong on purpose, as the file of -clock says: for tests of what a cluster does then.
type wrongClock struct {
	right func() replica.Instant

	mu     sync.Mutex    // guards the rest
	rate   float64       // of the steady clock, since from
	from   time.Duration // Mono of the right clock
	shown  time.Duration // what the wrong one showed then. Invariant: it never goes back.
	offset int64         // of the time of day, in milliseconds
}

// clockEvery is how often the file is read.
const clockEvery = 50 * time.Millisecond

func newWrongClock(right func() replica.Instant) *wrongClock {
	now := right().Mono
	return &wrongClock{right: right, rate: 1, from: now, shown: now}
}

// now is what the wrong clock shows.
func (c *wrongClock) now() replica.Instant {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.right()
	return replica.Instant{Mono: c.steady(t.Mono), Wall: t.Wall + c.offset}
}

func (c *wrongClock) steady(mono time.Duration) time.Duration {
	return c.shown + time.Duration(float64(mono-c.from)*c.rate)
}

// set makes the clock as wrong as a text says: OFFSET RATE, as in "-3s 1.02".
func (c *wrongClock) set(text string) error {
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return fmt.Errorf("%q: write OFFSET RATE, as in: -3s 1.02", text)
	}
	offset, err := time.ParseDuration(fields[0])
	if err != nil {
		return fmt.Errorf("%q is no time: write as in: -3s 1.02", fields[0])
	}
	rate, err := strconv.ParseFloat(fields[1], 64)
	if err != nil || !(rate >= 0.5 && rate <= 2) {
		return fmt.Errorf("%q is no rate: choose 0.5 to 2", fields[1])
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	mono := c.right().Mono
	c.shown, c.from = c.steady(mono), mono
	c.rate, c.offset = rate, offset.Milliseconds()
	return nil
}

// followClock is a clock as wrong as a file says, now and whenever it changes; without the file it is right. stop ends that.
func followClock(file string, log *slog.Logger) (now func() replica.Instant, stop func()) {
	c := newWrongClock(node.MachineClock())
	last := c.follow(file, "", log)
	over, gone := make(chan struct{}), make(chan struct{})
	go func() { // stop joins it
		defer close(gone)
		again := time.NewTicker(clockEvery)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				last = c.follow(file, last, log)
			case <-over:
				return
			}
		}
	}()
	return c.now, func() { close(over); <-gone }
}

// follow sets the clock if the file says otherwise than it did last.
func (c *wrongClock) follow(file, last string, log *slog.Logger) string {
	data, err := os.ReadFile(file)
	text := string(data)
	switch {
	case errors.Is(err, os.ErrNotExist) || text == last:
		return last
	case err == nil:
		err = c.set(text)
	}
	if err != nil {
		log.Warn("the file of -clock is not understood", "file", file, "error", err)
	} else {
		log.Warn("the clock is wrong on purpose", "set", strings.TrimSpace(text))
	}
	return text
}
