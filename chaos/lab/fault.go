package lab

import (
	"slices"
	"sync"
)

// Bite is what a fault has done to one of its links, or to all that a link with Any stands for, since it began.
type Bite struct {
	Link
	Packets uint64 `json:"packets"`        // dropped, delayed, doubled or made to wait
	Lost    uint64 `json:"lost,omitempty"` // dropped in addition, because too many were delayed already
}

// Fault is a damage that has been done. Its methods may be called from any goroutine.
type Fault struct {
	damage Damage
	lab    *Lab
	wound  wound

	mu    sync.Mutex // guards what follows
	ended bool
	last  []Bite // once it has ended
}

// Damage describes the fault. The caller must not change its links.
func (f *Fault) Damage() Damage { return f.damage }

// Bites tells, for each link of the damage in its order, how often the fault has bitten; once it has ended, how often it
// had. A packet in flight while it ends may be left out.
func (f *Fault) Bites() ([]Bite, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return slices.Clone(f.last), nil
	}
	return f.wound.bites()
}

// Bitten is the sum of Packets and Lost over all links.
func (f *Fault) Bitten() (uint64, error) {
	bites, err := f.Bites()
	var sum uint64
	for _, b := range bites {
		sum += b.Packets + b.Lost
	}
	return sum, err
}

// End undoes the damage. One that has ended stays so.
func (f *Fault) End() error { return f.lab.end([]*Fault{f}) }

// settle keeps the last counts, before the network forgets them. It reports false if the fault has ended before.
func (f *Fault) settle() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false, nil
	}
	last, err := f.wound.bites()
	f.last, f.ended = last, true
	return true, err
}
