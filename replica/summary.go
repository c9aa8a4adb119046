package replica

import "hash/maphash"

// summary is what spares looking at each attribute of a session: they lie anywhere in memory, and to look at ten of them takes
// longer than to change one. Most commits change a value only, and a new version takes over nearly all of it.
type summary struct {
	places    *places // nil: there is no summary. Shared with other versions, and never modified.
	deleted   uint32  // attributes
	liveBytes uint32  // names and values of those that are not deleted
	deadBytes uint32  // names of those that are
	seen      uint64  // sum of what tells those apart that are not
}

// places has at the hash of a name where among the attributes of a session one lies whose name has that hash, if there is one: a
// guess, for names may have the same hash, and there may be more attributes than it can count.
type places [32]uint8

func (p *places) of(name string) *uint8 { return &p[maphash.String(hashSeed, name)%uint64(len(p))] }

// layouts are the places of sessions that were used lately, by their hashes. Most sessions have the same names as others: what they
// share is at hand in the processor's cache.
type layouts [8]*places

// shared is p, in memory that others with the same places have too.
func (l *layouts) shared(p *places) *places {
	known := &l[maphash.Bytes(hashSeed, p[:])%uint64(len(l))]
	if *known == nil || **known != *p {
		own := *p
		*known = &own
	}
	return *known
}

// count is a summary without places.
func count(attrs []*Attr) (m summary) {
	for _, a := range attrs {
		m.add(a)
	}
	return m
}

// summarize makes the summary of attributes, with places that it shares with what is known.
func summarize(attrs []*Attr, known *layouts) summary {
	m := count(attrs)
	var p places
	for i, a := range attrs {
		*p.of(a.Name) = uint8(i)
		m.seen += a.seen()
	}
	m.places = known.shared(&p)
	return m
}

func (m *summary) made() bool { return m.places != nil }

// with is m with one attribute in the place of another of that name.
func (m summary) with(next, old *Attr) summary {
	if !m.made() {
		return m
	}
	m.add(next)
	before := count([]*Attr{old})
	m.deleted -= before.deleted
	m.liveBytes -= before.liveBytes
	m.deadBytes -= before.deadBytes
	m.seen += next.seen() - old.seen()
	return m
}

func (m *summary) add(a *Attr) {
	if a.Deleted {
		m.deleted++
		m.deadBytes += uint32(len(a.Name))
		return
	}
	m.liveBytes += uint32(len(a.Name) + len(a.Value))
}

// counts is the summary of the attributes of s, perhaps without places.
func (s *Session) counts() summary {
	if s.summary.made() {
		return s.summary
	}
	return count(s.Attrs)
}
