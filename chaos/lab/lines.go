package lab

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// lines is all lines of a network of user space, and the damages done to them.
type lines struct {
	flight   *flight
	overhead int // bytes of a packet that are no payload

	mu      sync.Mutex // guards all below; never held across I/O
	byLink  map[Link]*line
	damages [][]*rule // of those that hold, oldest first
}

func newLines(overhead int) *lines {
	return &lines{flight: newFlight(), overhead: overhead, byLink: make(map[Link]*line)}
}

// carry passes a packet on, once or more or not at all, now or later. send must not keep it; it is called on this goroutine, or
// later with a copy on the flight's.
func (ls *lines) carry(link Link, packet []byte, send func([]byte)) {
	if link.From == link.To {
		send(packet)
		return
	}
	now := time.Now()
	ls.mu.Lock()
	ln := ls.line(link)
	f := ln.befall(now, len(packet)-ls.overhead, rand.Float64)
	late := f.copies > 0 && f.due.After(now)
	if late {
		ln.waiting++
	}
	ls.mu.Unlock()
	if !late {
		repeat(f.copies, packet, send)
		return
	}
	kept := slices.Clone(packet)
	ls.flight.add(f.due, func() { ls.arrive(ln, f.copies, kept, send) })
}

// holdsUp reports whether there is more to do on a link than to drop.
func (ls *lines) holdsUp(link Link) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return slices.ContainsFunc(ls.line(link).rules, func(r *rule) bool { return !r.damage.Kind.drops() })
}

// arrive ends a flight. What was cut meanwhile stops even what is under way.
func (ls *lines) arrive(ln *line, copies int, packet []byte, send func([]byte)) {
	ls.mu.Lock()
	ln.waiting--
	stopped := ln.stops()
	ls.mu.Unlock()
	if !stopped {
		repeat(copies, packet, send)
	}
}

func repeat(copies int, packet []byte, send func([]byte)) {
	for range copies {
		send(packet)
	}
}

// line makes the line of a link on first use: at most as many as pairs of places. The caller holds the mutex.
func (ls *lines) line(link Link) *line {
	ln := ls.byLink[link]
	if ln == nil {
		ln = &line{}
		ln.obey(ls.rulesFor(link))
		ls.byLink[link] = ln
	}
	return ln
}

func (ls *lines) rulesFor(link Link) []*rule {
	var found []*rule
	for _, rules := range ls.damages {
		for _, r := range rules {
			if r.link.covers(link) {
				found = append(found, r)
				break // two links of one damage may cover it; it bites once
			}
		}
	}
	return found
}

// begin does a damage.
func (ls *lines) begin(d Damage) *lineWound {
	w := &lineWound{lines: ls, rules: rulesOf(&d)}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.damages = append(ls.damages, w.rules)
	ls.refresh(w.rules)
	return w
}

// end undoes damages.
func (ls *lines) end(wounds []*lineWound) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, w := range wounds {
		ls.damages = slices.DeleteFunc(ls.damages, func(rules []*rule) bool { return rules[0] == w.rules[0] })
	}
	for _, w := range wounds {
		ls.refresh(w.rules)
	}
}

// refresh makes the lines that some rules cover obey what holds now. The caller holds the mutex.
func (ls *lines) refresh(changed []*rule) {
	for link, ln := range ls.byLink {
		if slices.ContainsFunc(changed, func(r *rule) bool { return r.link.covers(link) }) {
			ln.obey(ls.rulesFor(link))
		}
	}
}

// close drops what is under way and joins the goroutine.
func (ls *lines) close() { ls.flight.close() }

// lineWound is a damage to lines.
type lineWound struct {
	lines *lines
	rules []*rule
}

func (w *lineWound) bites() ([]Bite, error) {
	w.lines.mu.Lock()
	defer w.lines.mu.Unlock()
	var all []Bite
	for _, r := range w.rules {
		all = append(all, r.bite)
	}
	return all, nil
}
