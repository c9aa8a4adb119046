package replica

// Surrender makes a primary serve nothing any more: it is about to hand the slot over. It serves again only under
// another claim, or after Keep if it has offered the slot to nobody yet.
func (s *Slot) Surrender() { s.given = s.role == Primary }

// Keep takes a surrender back.
func (s *Slot) Keep() { s.given = false }

// Surrendered reports whether the primary has surrendered the slot.
func (s *Slot) Surrendered() bool { return s.given }

// Even reports whether nothing is pending and every backup holds the whole log, and how long it is.
func (s *Slot) Even() (head uint64, even bool) {
	if s.role != Primary || s.tail.opened > 0 {
		return 0, false
	}
	for _, f := range s.followers {
		if f.acked != s.tail.head {
			return 0, false
		}
	}
	return s.tail.head, true
}
