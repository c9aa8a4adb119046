package lab

import (
	"fmt"
	"slices"
	"time"
)

// Any stands in a Link for every place, those that are added later included.
const Any = "*"

// Link is one direction between two places.
type Link struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// covers reports whether a link, as a pattern, stands for another, which names its places.
func (l Link) covers(other Link) bool {
	return (l.From == Any || l.From == other.From) && (l.To == Any || l.To == other.To)
}

// Both returns the links of a pair of places, one each way.
func Both(a, b string) []Link { return []Link{{a, b}, {b, a}} }

// All returns the links of a place, to and from all others.
func All(place string) []Link { return Both(place, Any) }

// Between returns the links from each place of one side to each of the other, and back unless oneWay.
func Between(a, b []string, oneWay bool) []Link {
	var links []Link
	for _, from := range a {
		for _, to := range b {
			links = append(links, Link{from, to})
			if !oneWay {
				links = append(links, Link{to, from})
			}
		}
	}
	return links
}

// Kind is a kind of fault.
type Kind string

// The kinds of faults. What is needed besides Links stands behind each.
const (
	Cut       Kind = "cut"       // every packet is dropped
	Pull      Kind = "pull"      // the switch's side of a place's cord is out: All(place)
	Loss      Kind = "loss"      // a Share of packets is dropped
	Delay     Kind = "delay"     // packets arrive later by Delay, and by up to Jitter more; they keep their order
	Duplicate Kind = "duplicate" // a Share of packets arrives twice
	Reorder   Kind = "reorder"   // a Share of packets is held back for Delay, so that later ones overtake them
	Limit     Kind = "limit"     // at most BytesPerSecond pass on each link; the rest waits its turn
)

// drops reports whether a kind does nothing to packets but drop them.
func (k Kind) drops() bool { return k == Cut || k == Pull || k == Loss }

// Damage describes a fault. Its links may name [Any].
type Damage struct {
	Kind           Kind          `json:"kind"`
	Links          []Link        `json:"links"`
	Share          float64       `json:"share,omitempty"` // of packets, in (0, 1]
	Delay          time.Duration `json:"delay,omitempty"`
	Jitter         time.Duration `json:"jitter,omitempty"`
	BytesPerSecond int           `json:"bytes_per_second,omitempty"` // of payload
}

// delayMax bounds Delay plus Jitter, and so how long packets are kept.
const delayMax = time.Minute

// Validate reports what makes no sense, as ErrDamage. It does not know which places there are.
func (d Damage) Validate() error {
	if len(d.Links) == 0 {
		return fmt.Errorf("%w: %s of no link: name places on both sides", ErrDamage, d.Kind)
	}
	for i, l := range d.Links {
		if l.From == l.To {
			return fmt.Errorf("%w: %s from %s to itself: the sides must differ", ErrDamage, d.Kind, l.From)
		}
		if slices.Contains(d.Links[:i], l) {
			return fmt.Errorf("%w: %s from %s to %s is named twice", ErrDamage, d.Kind, l.From, l.To)
		}
	}
	return d.validateNumbers()
}

func (d Damage) validateNumbers() error {
	switch d.Kind {
	case Cut:
	case Pull:
		if len(d.Links) != 2 || d.Links[0].From == Any || !slices.Equal(d.Links, All(d.Links[0].From)) {
			return fmt.Errorf("%w: a cord is pulled of one place, to and from all others", ErrDamage)
		}
	case Loss, Duplicate, Reorder:
		if !(d.Share > 0 && d.Share <= 1) { // not for NaN either
			return fmt.Errorf("%w: %s of a share of %v: choose more than 0 and at most 1", ErrDamage, d.Kind, d.Share)
		}
	case Delay:
		if d.Delay+d.Jitter == 0 {
			return fmt.Errorf("%w: a delay of nothing", ErrDamage)
		}
	case Limit:
		if d.BytesPerSecond <= 0 {
			return fmt.Errorf("%w: a limit of %d bytes per second: choose 1 or more", ErrDamage, d.BytesPerSecond)
		}
	default:
		return fmt.Errorf("%w: no fault is called %q", ErrDamage, d.Kind)
	}
	if d.Delay < 0 || d.Jitter < 0 || d.Delay > delayMax || d.Jitter > delayMax {
		return fmt.Errorf("%w: delay %v and jitter %v: choose 0 to %v", ErrDamage, d.Delay, d.Jitter, delayMax)
	}
	return nil
}

// reorderDelay is how long a packet is held back where Damage says nothing.
const reorderDelay = 5 * time.Millisecond

func (d Damage) withDefaults() Damage {
	if d.Kind == Reorder && d.Delay == 0 {
		d.Delay = reorderDelay
	}
	d.Links = slices.Clone(d.Links)
	return d
}
