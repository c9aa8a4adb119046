package lab

import (
	"testing"
	"time"
)

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// lineOf is a line with damages, without dice: each throw is 0.
func lineOf(damages ...Damage) *line {
	ln := &line{}
	var rules []*rule
	for _, d := range damages {
		d.Links = []Link{{"a", "b"}}
		d = d.withDefaults()
		rules = append(rules, rulesOf(&d)...)
	}
	ln.obey(rules)
	return ln
}

func zero() float64 { return 0 }

func TestDelaysAddUp(t *testing.T) {
	ln := lineOf(Damage{Kind: Delay, Delay: time.Second}, Damage{Kind: Delay, Delay: 2 * time.Second, Jitter: time.Second})
	got := ln.befall(epoch, 100, func() float64 { return 0.5 })
	if want := (fate{epoch.Add(3500 * time.Millisecond), 1}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := ln.befall(epoch.Add(time.Millisecond), 100, zero); got.due != epoch.Add(3500*time.Millisecond) {
		t.Errorf("a packet with less jitter arrives at %v, before the one sent first", got.due)
	}
}

func TestALimitPassesSoManyBytesPerSecond(t *testing.T) {
	ln := lineOf(Damage{Kind: Limit, BytesPerSecond: 1000})
	for i, want := range []time.Duration{0, time.Second, 1500 * time.Millisecond} {
		size := []int{1000, 500, 1}[i]
		if got := ln.befall(epoch, size, zero).due.Sub(epoch); got != want {
			t.Errorf("packet %d arrives after %v, want %v", i, got, want)
		}
	}
	if got := ln.befall(epoch.Add(time.Minute), 1, zero); got.due != epoch.Add(time.Minute) {
		t.Errorf("after a rest a packet waits until %v", got.due)
	}
}

func TestALineHoldsSoManyPacketsAtMost(t *testing.T) {
	for _, d := range []Damage{
		{Kind: Delay, Delay: time.Second}, {Kind: Reorder, Share: 1}, {Kind: Limit, BytesPerSecond: 1},
	} {
		ln := lineOf(d)
		ln.befall(epoch, 1, zero)
		before := ln.rules[0].bite
		ln.waiting = linkQueueMax
		if got := ln.befall(epoch, 1, zero); got.copies != 0 {
			t.Errorf("%s: a full line takes a packet: %v", d.Kind, got)
		}
		if got := ln.rules[0].bite; got.Lost != 1 || got.Packets != before.Packets {
			t.Errorf("%s: bite %+v after %+v, want one lost", d.Kind, got, before)
		}
		ln.waiting--
		if got := ln.befall(epoch, 1, zero); got.copies != 1 {
			t.Errorf("%s: a line with room for one refuses it: %v", d.Kind, got)
		}
	}
}

func TestWhatWasDelayedDoesNotSlowDownWhatFollows(t *testing.T) {
	ln := lineOf(Damage{Kind: Delay, Delay: time.Minute})
	ln.befall(epoch, 1, zero)
	ln.obey(nil)
	if got := ln.befall(epoch, 1, zero); got.due != epoch {
		t.Errorf("after the heal a packet arrives at %v", got.due)
	}
}

func TestFlightsEndInTheOrderInWhichTheyAreDue(t *testing.T) {
	f := newFlight()
	defer f.close()
	arrived := make(chan int, 4)
	now := time.Now()
	for i, after := range []time.Duration{20, 10, 20, 0} {
		f.add(now.Add(after*time.Millisecond), func() { arrived <- i })
	}
	for _, want := range []int{3, 1, 0, 2} {
		if got := <-arrived; got != want {
			t.Fatalf("flight %d ends, want %d", got, want)
		}
	}
}
