package replica

import "fmt"

// Quota is what one application may keep in the cluster. Zero: any number.
type Quota struct {
	Sessions int // that live
	Bytes    int // of its sessions and ended ones, as [Memory] counts, one copy of each
}

// Quotas says what applications may keep, and counts what they do in the slots that this node leads. A node leads a part of
// all slots and lets each application have that part of its quota and a tenth more: sessions do not spread evenly.
// Which applications there are is read-only; the rest belongs to whoever steps the slots.
type Quotas struct {
	byApp map[string]*allowance
}

// allowance is an application's part on this node.
type allowance struct {
	quota Quota
	part  Quota // of it, on this node
	used  usage
}

// usage is what an application has in one slot, or in those that this node leads.
type usage struct{ sessions, bytes int }

func (u *usage) add(d usage) { u.sessions, u.bytes = u.sessions+d.sessions, u.bytes+d.bytes }

// OtherApps is the name under which the applications that no quota names have one together. Without it they have any number.
const OtherApps = "*"

// NewQuotas makes the quotas of applications, by name; nil for none.
func NewQuotas(quotas map[string]Quota) *Quotas {
	if len(quotas) == 0 {
		return nil
	}
	q := &Quotas{byApp: map[string]*allowance{}}
	for app, quota := range quotas {
		q.byApp[app] = &allowance{quota: quota}
	}
	return q
}

// Share counts anew what this node leads: slots are all of its own, of which it is primary of some.
func (q *Quotas) Share(slots []*Slot) {
	led := 0
	for _, a := range q.byApp {
		a.used = usage{}
	}
	for _, s := range slots {
		if s.role != Primary {
			continue
		}
		led++
		for app, u := range s.usage {
			q.byApp[app].used.add(*u)
		}
	}
	for _, a := range q.byApp {
		a.part = Quota{shareOf(a.quota.Sessions, led, len(slots)), shareOf(a.quota.Bytes, led, len(slots))}
	}
}

// of finds an application's allowance, and the name under which it is counted; nil if it has none.
func (q *Quotas) of(app string) (string, *allowance) {
	if q == nil {
		return "", nil
	}
	if a := q.byApp[app]; a != nil {
		return app, a
	}
	return OtherApps, q.byApp[OtherApps]
}

// shareOf is a tenth more than the part of a quota for so many slots of all, rounded up.
func shareOf(quota, led, slots int) int { return (quota*led*11 + slots*10 - 1) / (slots * 10) }

// account notes by how much an application's share of the slot changed.
func (s *Slot) account(app string, d usage) {
	app, a := s.cfg.Quotas.of(app)
	if a == nil || d == (usage{}) {
		return
	}
	if s.usage == nil {
		s.usage = map[string]*usage{}
	}
	if s.usage[app] == nil {
		s.usage[app] = &usage{}
	}
	s.usage[app].add(d)
	if s.role == Primary {
		a.used.add(d)
	}
}

// afford refuses what neither the node nor the application has room for: a commit makes next of base, which is nil if there
// is nothing yet.
func (s *Slot) afford(c *Commit, base, next *Session) error {
	if !s.cfg.Memory.full() && s.cfg.Quotas == nil {
		return nil // as nearly always: both versions need not be weighed
	}
	more := usage{bytes: next.weight() - base.weight()}
	switch {
	case c.Create:
		more.sessions = 1
		fallthrough
	case c.Renew != "":
		more.bytes += recordBytes + len(c.Key.App) + len(c.Key.ID)
	}
	if err := s.affords(more.bytes > 0); err != nil {
		return err
	}
	return s.cfg.Quotas.within(c.Key.App, more)
}

// within says that an application may not have more of what a commit asks for.
func (q *Quotas) within(app string, more usage) error {
	_, a := q.of(app)
	switch {
	case a == nil:
		return nil
	case more.sessions > 0 && a.quota.Sessions > 0 && a.used.sessions+more.sessions > a.part.Sessions:
		return fmt.Errorf("%w: application %q has %d sessions here, of %d in the cluster that it may have: let sessions end, or raise its quota",
			ErrOverCapacity, app, a.used.sessions, a.quota.Sessions)
	case more.bytes > 0 && a.quota.Bytes > 0 && a.used.bytes+more.bytes > a.part.Bytes:
		return fmt.Errorf("%w: application %q has %d bytes here, of %d in the cluster that it may have: let sessions end, or raise its quota",
			ErrOverCapacity, app, a.used.bytes, a.quota.Bytes)
	}
	return nil
}
