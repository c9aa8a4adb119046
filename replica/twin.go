package replica

// twins are requests that took effect on more than one side of a split: the client asked one side, was not answered, and
// asked another. All effects of a request are one write, of the earliest stamp, which lies between the client's question and
// its answer. So it is no conflict with itself, and what was written after it on one side stands, however late the request
// took effect on another.
//
// They are found by each of their stamps, which no other write has.
type twins map[Stamp]*twin

// twin is one such request.
type twin struct {
	request RequestID
	first   Stamp // at which it took effect
}

// twinsMax bounds the stamps that are kept when no node offers anything.
const twinsMax = 1024

// join notes that two stamps are those of one request.
func (t *twins) join(a, b Stamp, request RequestID) *twin {
	if *t == nil {
		*t = twins{}
	}
	w := (*t)[a]
	if w == nil {
		w = (*t)[b]
	}
	if w == nil {
		w = &twin{request, a}
	}
	w.first = firstBorn(w.first, firstBorn(a, b))
	(*t)[a], (*t)[b] = w, w
	return w
}

// first is when the write with a stamp took effect first.
func (t twins) first(s Stamp) Stamp {
	if w := t[s]; w != nil {
		return w.first
	}
	return s
}

// repeats reports whether a write with the stamp y, which stands above one with the stamp x, is a later effect of a request
// that took effect before x was written.
func (t twins) repeats(y, x Stamp) bool { return x.Less(y) && t.first(y).Less(t.first(x)) }

// hidden is what of the rightful versions a and b of two sides lies, in m, the merge of what they have, under a later effect
// of a request that came before it; nil for nothing.
func (t twins) hidden(m, a, b *Session) *Session {
	if len(t) == 0 {
		return nil
	}
	p := &Session{Key: m.Key, Accessed: neverAccessed}
	for _, attr := range m.Attrs {
		if last := t.last(attr.Name, a, b); last.Stamp != attr.Stamp {
			p.Attrs = append(p.Attrs, last)
		}
	}
	if a != nil && b != nil {
		switch x, y := a.Settings, b.Settings; {
		case t.repeats(y.Stamp, x.Stamp):
			p.Settings = x
		case t.repeats(x.Stamp, y.Stamp):
			p.Settings = y
		}
	}
	if len(p.Attrs) == 0 && p.Settings.Stamp.IsZero() {
		return nil
	}
	return p
}

// last is an attribute as the side has it that wrote it last. One of them must have it.
func (t twins) last(name string, a, b *Session) *Attr {
	var x, y *Attr
	for _, v := range []*Session{a, b} {
		if v == nil {
			continue
		}
		if i, ok := v.find(name); ok {
			x, y = y, v.Attrs[i]
		}
	}
	if x == nil || t.repeats(x.Stamp, y.Stamp) || x.Stamp.Less(y.Stamp) && !t.repeats(y.Stamp, x.Stamp) {
		return y
	}
	return x
}

// meet notes a request that another node remembers, and reports whether it is remembered here.
func (s *Slot) meet(r *reunion, q RememberedRequest) bool {
	old, known := s.requests.find(q.Request)
	w := s.twins[q.Stamp]
	if known && old.Stamp != q.Stamp {
		w = s.twins.join(old.Stamp, q.Stamp, q.Request)
	}
	if w != nil && !r.twins[w] {
		r.twins[w] = true
		if known {
			r.hidHere.add(q.Key, old.Stamp, old.over)
		}
		r.hidThere.add(q.Key, q.Stamp, q.Over)
	}
	return known
}

// repeated reports whether a conflict is none: one request made both writes, or r's node knew the request of the one that is
// given up as well, or the other is a later effect of a request that came before it.
func (s *Slot) repeated(r *reunion, c Conflict) bool {
	w := s.twins[c.Lost]
	ended := c.Cause == CauseDestroyed || c.Cause == CauseExpired
	return w != nil && (w == s.twins[c.Kept] || r.twins[w]) || !ended && s.twins.repeats(c.Kept, c.Lost)
}

// union is what is known of a session here and what another node offers, as one version; a and b are the rightful versions of
// both. What a later effect of an earlier request would hide is written again, above it. requests are those whose effects have
// other stamps in that version than are remembered.
func (s *Slot) union(now Instant, known, offer, a, b *Session) (m *Session, requests []RememberedRequest) {
	m = Merge(known, offer).bare()
	if m.ended() {
		return m, nil
	}
	if p := s.twins.hidden(m, a, b); p != nil {
		requests = s.restamp(now, p)
		m = Merge(m, p)
	}
	if len(s.twins) == 0 {
		return m, nil
	}
	for _, stamp := range m.writes() {
		w := s.twins[stamp]
		if w == nil {
			continue
		}
		if q, known := s.requests.find(w.request); known && q.Stamp.Less(stamp) {
			again := q.told()
			again.Stamp, again.Over = stamp, nil
			requests = append(requests, again)
		}
	}
	return m, requests
}

// restamp makes what p holds new writes, one for each that it was, and says which requests wrote them.
func (s *Slot) restamp(now Instant, p *Session) (requests []RememberedRequest) {
	wrote := make(map[Stamp]RememberedRequest)
	for _, q := range s.requests.of(p.Key) {
		wrote[q.Stamp] = q
	}
	renewed := make(map[Stamp]Stamp)
	for _, old := range p.writes() {
		if _, done := renewed[old]; done {
			continue
		}
		stamp := s.cfg.Clock.Next(now.Wall)
		q, ok := wrote[old]
		if q.Stamp, q.Over = stamp, nil; ok {
			requests = append(requests, q)
		}
		s.twins.join(old, stamp, q.Request)
		renewed[old] = stamp
		p.Stamp, p.Touched = stamp, stamp
	}
	for i, a := range p.Attrs {
		again := *a
		again.Stamp = renewed[a.Stamp]
		p.Attrs[i] = &again
	}
	if !p.Settings.Stamp.IsZero() {
		p.Settings.Stamp = renewed[p.Settings.Stamp]
	}
	return requests
}

// writes is the stamps of all that a version holds, each as often as it occurs.
func (s *Session) writes() []Stamp {
	stamps := make([]Stamp, 0, len(s.Attrs)+1)
	for _, a := range s.Attrs {
		stamps = append(stamps, a.Stamp)
	}
	if !s.Settings.Stamp.IsZero() {
		stamps = append(stamps, s.Settings.Stamp)
	}
	return stamps
}
