package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of a lab.
const (
	placesMax  = 200
	faultsMax  = 64
	nameLenMax = 24 // of a place
)

// Lab is a network of places. Its methods may be called from any goroutine.
type Lab struct {
	// mu guards all below, and is held while the medium makes a change, so that changes come one at a time.
	mu     sync.Mutex
	medium medium
	places map[string]*Place // nil for Strangers
	faults []*Fault          // those that have not ended, oldest first
	closed bool
}

// newLab takes the medium over. Names are of places that the medium has from the start.
func newLab(m medium, names ...string) *Lab {
	l := &Lab{medium: m, places: make(map[string]*Place)}
	for _, name := range names {
		l.places[name] = nil
	}
	return l
}

// Add makes a place, at any time. Its name, at most 24 letters, digits, hyphens and underscores, must be new: else ErrPlace.
// ErrFull: there are 200 already. Of the faults that hold, those with Any cover it.
func (l *Lab) Add(name string) (*Place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, taken := l.places[name]
	switch {
	case l.closed:
		return nil, ErrClosed
	case !plainName(name):
		return nil, fmt.Errorf("%w: name %q: use 1 to %d letters, digits, hyphens and underscores", ErrPlace, name, nameLenMax)
	case taken:
		return nil, fmt.Errorf("%w: there is a place %s already", ErrPlace, name)
	case len(l.places) >= placesMax:
		return nil, fmt.Errorf("%w: it has %d places", ErrFull, len(l.places))
	}
	s, err := l.medium.add(name)
	if err != nil {
		return nil, fmt.Errorf("add place %s: %w", name, err)
	}
	l.places[name] = &Place{name: name, site: s}
	return l.places[name], nil
}

// Admit lets the processes of this machine, whoever's they are, reach nodes at their places' addresses, and be reached by them,
// as the place [Strangers]. In a switched lab they always can. In one of namespaces the machine gets a link named sess-RUN, with
// an address and a route, until Close; ErrUnsupported: the machine uses these addresses already. A second Admit does nothing.
func (l *Lab) Admit() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if _, admitted := l.places[Strangers]; admitted {
		return nil
	}
	if err := l.medium.admit(); err != nil {
		return fmt.Errorf("let this machine in: %w", err)
	}
	l.places[Strangers] = nil
	return nil
}

// Cut drops every packet between two sides, both ways, or from a to b if oneWay.
func (l *Lab) Cut(a, b []string, oneWay bool) (*Fault, error) {
	return l.Begin(Damage{Kind: Cut, Links: Between(a, b, oneWay)})
}

// Pull takes the switch's side of a place's cord out: nothing comes or goes, and nobody is told.
func (l *Lab) Pull(place string) (*Fault, error) {
	return l.Begin(Damage{Kind: Pull, Links: All(place)})
}

// Plug puts the cord of a place in again, however often it was pulled.
func (l *Lab) Plug(place string) error {
	var pulled []*Fault
	for _, f := range l.Faults() {
		if f.damage.Kind == Pull && f.damage.Links[0].From == place {
			pulled = append(pulled, f)
		}
	}
	return l.end(pulled)
}

// Loss drops a share of the packets on some links: Both(a, b), All(place), or any others.
func (l *Lab) Loss(links []Link, share float64) (*Fault, error) {
	return l.Begin(Damage{Kind: Loss, Links: links, Share: share})
}

// Delay makes packets on some links arrive later.
func (l *Lab) Delay(links []Link, delay, jitter time.Duration) (*Fault, error) {
	return l.Begin(Damage{Kind: Delay, Links: links, Delay: delay, Jitter: jitter})
}

// Begin does a damage. It is done when Begin returns. ErrDamage: it makes no sense. ErrPlace: it names a place that there is not.
// ErrUnsupported: this network cannot do it. ErrFull: there are 64 faults already.
func (l *Lab) Begin(d Damage) (*Fault, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.admits(d); err != nil {
		return nil, err
	}
	d = d.withDefaults()
	w, err := l.medium.begin(d)
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", d.Kind, err)
	}
	f := &Fault{damage: d, lab: l, wound: w}
	l.faults = append(l.faults, f)
	return f, nil
}

// admits reports why a damage cannot begin now.
func (l *Lab) admits(d Damage) error {
	switch {
	case l.closed:
		return ErrClosed
	case len(l.faults) >= faultsMax:
		return fmt.Errorf("%w: it has %d faults: end some", ErrFull, len(l.faults))
	}
	for _, link := range d.Links {
		for _, name := range []string{link.From, link.To} {
			if _, known := l.places[name]; !known && name != Any {
				return fmt.Errorf("%w: there is no place %s", ErrPlace, name)
			}
		}
	}
	return nil
}

// Faults lists the faults that have not ended, oldest first.
func (l *Lab) Faults() []*Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.faults)
}

// Heal ends every fault.
func (l *Lab) Heal() error { return l.end(l.Faults()) }

// end ends faults in one step, those left out that have ended before, as all have when the lab is closed.
func (l *Lab) end(faults []*Fault) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var wounds []wound
	var errs []error
	for _, f := range faults {
		live, err := f.settle()
		errs = append(errs, err)
		if live {
			wounds = append(wounds, f.wound)
		}
	}
	l.faults = slices.DeleteFunc(l.faults, func(f *Fault) bool { return slices.Contains(faults, f) })
	if len(wounds) > 0 {
		errs = append(errs, l.medium.end(wounds))
	}
	return errors.Join(errs...)
}

// Close removes the network and all that it made, and ends processes in its namespaces that still run. Faults keep their last
// counts. A second Close does nothing.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	for _, f := range l.faults {
		_, err := f.settle()
		errs = append(errs, err)
	}
	l.faults = nil
	return errors.Join(append(errs, l.medium.close())...)
}

func plainName(s string) bool {
	return s != "" && len(s) <= nameLenMax && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) < 0
}
