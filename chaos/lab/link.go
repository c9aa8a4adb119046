package lab

import "time"

// linkQueueMax is how many packets of a link are under way at once; the next one is dropped, and counted as Lost.
const linkQueueMax = 4096

// rule is one damage to one link, or to all that its link with Any stands for, in a network of user space.
type rule struct {
	link   Link
	damage *Damage
	bite   Bite
}

// rulesOf is a rule for each link of a damage.
func rulesOf(d *Damage) []*rule {
	var rules []*rule
	for _, l := range d.Links {
		rules = append(rules, &rule{link: l, damage: d, bite: Bite{Link: l}})
	}
	return rules
}

// line is one direction between two places: what befalls its packets. The owner of the network guards it.
type line struct {
	rules   []*rule   // that hold
	lastDue time.Time // when the last packet that keeps its order arrives; none that keeps its order arrives earlier
	free    time.Time // when the line has passed on all that a Limit lets wait
	waiting int       // packets under way. Invariant: <= linkQueueMax.
}

// fate is what befalls one packet: copies of it, perhaps none, arrive at a time.
type fate struct {
	due    time.Time // the present one for at once
	copies int
}

// obey makes a change of the rules hold. What was sent under an old delay does not slow down what follows.
func (ln *line) obey(rules []*rule) {
	ln.rules, ln.lastDue, ln.free = rules, time.Time{}, time.Time{}
}

// befall decides about a packet that leaves now, and counts it. dice returns evenly spread numbers in [0, 1).
func (ln *line) befall(now time.Time, sizeBytes int, dice func() float64) fate {
	if ln.stops() || ln.loses(dice) {
		return fate{}
	}
	due := ln.keepOrder(ln.delay(now, sizeBytes, dice), dice)
	if due.After(now) && ln.isFull() {
		return fate{}
	}
	return fate{due, 1 + ln.doubles(dice)}
}

func (ln *line) isFull() bool { return ln.waiting >= linkQueueMax }

// countLate counts a packet for a rule that makes it late.
func (ln *line) countLate(r *rule) {
	if ln.isFull() {
		r.bite.Lost++
		return
	}
	r.bite.Packets++
}

// stops reports whether nothing passes.
func (ln *line) stops() bool {
	for _, r := range ln.rules {
		if r.damage.Kind == Cut || r.damage.Kind == Pull {
			r.bite.Packets++
			return true
		}
	}
	return false
}

func (ln *line) loses(dice func() float64) bool {
	for _, r := range ln.rules {
		if r.damage.Kind == Loss && dice() < r.damage.Share {
			r.bite.Packets++
			return true
		}
	}
	return false
}

// delay is when a packet arrives by all delays and limits.
func (ln *line) delay(now time.Time, sizeBytes int, dice func() float64) time.Time {
	due := now
	for _, r := range ln.rules {
		var by time.Duration
		switch r.damage.Kind {
		case Delay:
			by = r.damage.Delay + time.Duration(dice()*float64(r.damage.Jitter))
		case Limit:
			by = ln.turn(now, time.Duration(float64(sizeBytes)/float64(r.damage.BytesPerSecond)*float64(time.Second)))
		}
		if by > 0 {
			ln.countLate(r)
			due = due.Add(by)
		}
	}
	return due
}

// turn is how long a packet waits for those before it, each of which takes a time to pass.
func (ln *line) turn(now time.Time, takes time.Duration) time.Duration {
	if ln.free.Before(now) {
		ln.free = now
	}
	wait := ln.free.Sub(now)
	if !ln.isFull() {
		ln.free = ln.free.Add(takes)
	}
	return wait
}

// keepOrder makes a packet wait for those sent before it, or holds it back so that later ones overtake it.
func (ln *line) keepOrder(due time.Time, dice func() float64) time.Time {
	for _, r := range ln.rules {
		if r.damage.Kind == Reorder && dice() < r.damage.Share {
			ln.countLate(r)
			return due.Add(r.damage.Delay + time.Duration(dice()*float64(r.damage.Jitter)))
		}
	}
	if due.Before(ln.lastDue) {
		due = ln.lastDue
	}
	ln.lastDue = due
	return due
}

// doubles is how many copies arrive beside a packet.
func (ln *line) doubles(dice func() float64) int {
	more := 0
	for _, r := range ln.rules {
		if r.damage.Kind == Duplicate && dice() < r.damage.Share {
			r.bite.Packets++
			more++
		}
	}
	return more
}
