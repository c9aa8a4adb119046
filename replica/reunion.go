package replica

import (
	"slices"
	"time"
)

// reunion is the primary's side of an offer: what it has merged of one other node.
type reunion struct {
	from     Boot
	transfer uint64
	chunk    uint32 // expected next
	parted   uint64 // clock of the newest stamp that both sides have in common
	backup   bool   // it is a backup that was found to differ: it gets what it lacks
	listed   Key    // the keys up to this one were listed and compared
	upTo     Key    // the keys up to this one are merged and on all backups. Invariant: not after listed
	firsts   map[Key]first
	twins    map[*twin]bool // those of which the node knows
	hidHere  hidden         // by them
	hidThere hidden
}

// first is a session that was fetched ahead of the others, because somebody asked for it.
type first struct {
	asked  time.Duration // Instant.Mono of the last question
	merged bool
	seq    uint64 // the entry that it became
}

// offered is a chunk of an offer that the primary answers once it is on all backups.
type offered struct {
	from  Boot
	reply *OfferReply
	seq   uint64 // the last entry that the chunk became
	upTo  Key    // what is merged then
	last  bool
}

// Bounds of what one primary takes for one slot: nodes that offer, chunks that are merged and not confirmed, sessions
// fetched ahead per node.
const (
	reunionsMax = 64
	offersMax   = 16
	firstsMax   = 4096
)

// fetchAgain is how long an answer to a fetch is awaited before it is asked for again.
const fetchAgain = 100 * time.Millisecond

// EventRepaired reports that a backup was found to differ and is equal again; Count sessions were sent whole.
const EventRepaired EventKind = "copy repaired"

// Offer takes a chunk of an offer: merges what it brings and says what is wanted of what it lists. The answer follows
// when all backups have it. It is refused, for the other to start over later, while the slot is full or has much under
// way already.
func (s *Slot) Offer(now Instant, from Boot, m *Offer, fx *Effects) {
	reply := &OfferReply{Slot: s.num, Transfer: m.Transfer, Chunk: m.Chunk}
	r := s.reunion(from, m)
	if r == nil || len(s.offers) >= offersMax || s.crowded() || !s.hasRoom(m.Parts) {
		reply.Refused = true
		fx.send(from, reply)
		return
	}
	r.chunk++
	s.unite(now, r, m.Parts, m.Requests, fx)
	o := offered{from: from, reply: reply, upTo: r.upTo, last: m.Last}
	if len(m.Items) > 0 {
		o.upTo = r.listed // more is listed only when all that was wanted has been sent
	}
	if m.Chunk > 0 {
		reply.Wanted = s.compare(now, r, m, fx)
	}
	o.seq = s.tail.head
	s.offers = append(s.offers, o)
	s.confirmOffers(fx)
}

// reunion is the one that a chunk belongs to; its first chunk begins it. It is nil for a chunk out of turn.
func (s *Slot) reunion(from Boot, m *Offer) *reunion {
	if s.role != Primary {
		return nil
	}
	i := slices.IndexFunc(s.reunions, func(r *reunion) bool { return r.from == from })
	if m.Chunk > 0 {
		if i < 0 || s.reunions[i].transfer != m.Transfer || s.reunions[i].chunk != m.Chunk {
			return nil
		}
		return s.reunions[i]
	}
	if len(s.reunions) == 0 && len(s.twins) > twinsMax {
		s.twins = nil
	}
	r := &reunion{
		from: from, transfer: m.Transfer, parted: parted(s.claim.Lineage, m.Lineage), backup: s.claim.Holds(from),
		firsts: map[Key]first{}, twins: map[*twin]bool{}, hidHere: hidden{}, hidThere: hidden{},
	}
	switch {
	case i >= 0:
		s.reunions[i] = r
	case len(s.reunions) < reunionsMax:
		s.reunions = append(s.reunions, r)
	default:
		return nil
	}
	return r
}

// Reuniting reports whether a node outside the claim is giving what it holds.
func (s *Slot) Reuniting() bool {
	return slices.ContainsFunc(s.reunions, func(r *reunion) bool { return !r.backup })
}

// Part gives up the reunions with nodes that are gone.
func (s *Slot) Part(gone func(Boot) bool) {
	s.reunions = slices.DeleteFunc(s.reunions, func(r *reunion) bool { return gone(r.from) })
}

// AskOffering asks the nodes outside the claim that began to offer what they hold for a session that nobody has: one that
// offers nothing any more says so.
func (s *Slot) AskOffering(fx *Effects) {
	for _, r := range s.reunions {
		if !r.backup {
			fx.send(r.from, &Fetch{Slot: s.num})
		}
	}
}

// Merged reports whether all that other nodes are known to hold of a key is merged and on all backups. What is not it
// asks for.
func (s *Slot) Merged(now Instant, key Key, fx *Effects) bool {
	merged := true
	for _, r := range s.reunions {
		f := r.firsts[key]
		switch {
		case r.backup || key.compare(r.upTo) <= 0 || f.merged && f.seq <= s.tail.committed:
			continue
		case !f.merged && (f.asked == 0 || now.Mono-f.asked > fetchAgain):
			if len(r.firsts) >= firstsMax {
				clear(r.firsts) // they are asked for again
			}
			f.asked = now.Mono
			r.firsts[key] = f
			fx.send(r.from, &Fetch{Slot: s.num, Key: key})
		}
		merged = false
	}
	return merged
}

// Fetched takes the answer to what Merged asked for.
func (s *Slot) Fetched(now Instant, from Boot, m *Fetched, fx *Effects) {
	for _, r := range s.reunions {
		f, asked := r.firsts[m.Key]
		if r.from != from || !asked || f.merged || s.role != Primary || s.full() || !s.hasRoom(m.Parts) {
			continue
		}
		s.unite(now, r, m.Parts, m.Requests, fx)
		r.firsts[m.Key] = first{merged: true, seq: s.tail.head}
	}
}

// unite merges sessions and request ids that another node had, as entries of the log.
func (s *Slot) unite(now Instant, r *reunion, parts []Part, requests []RememberedRequest, fx *Effects) {
	requests = slices.DeleteFunc(slices.Clone(requests), func(q RememberedRequest) bool { return s.meet(r, q) })
	for i := range requests {
		requests[i].Over = nil
	}
	if len(requests) > 0 {
		s.append(now, &logged{entry: Entry{Requests: requests}, need: s.backups()}, fx)
	}
	merged := uint64(0)
	for i := range parts {
		if parts[i].sound() && s.adopt(now, r, &parts[i], fx) {
			merged++
		}
	}
	if merged > 0 {
		kind := EventMerged
		if r.backup {
			kind = EventRepaired
		}
		fx.Events = append(fx.Events, Event{Kind: kind, Slot: s.num, Epoch: s.claim.Epoch, Peer: r.from, Count: merged})
	}
}

// adopt makes an offered session an entry if it tells anything new, or if a backup is to have it whole, and reports
// whether it did.
func (s *Slot) adopt(now Instant, r *reunion, p *Part, fx *Effects) bool {
	offer := p.Session
	if offer.ended() && offer.Until <= now.Wall || !offer.ended() && offer.Settings.Deadline <= now.Wall {
		return false
	}
	s.cfg.Clock.Observe(offer.Touched)
	var known *Session
	if rec := s.records.find(offer.Key); rec != nil {
		known = rec.view()
	}
	hidHere, hidThere := r.hidHere[offer.Key], r.hidThere[offer.Key]
	a, b := s.twins.rightful(known, hidHere), s.twins.rightful(offer, hidThere)
	m, requests := s.union(now, known, offer, a, b)
	for _, c := range conflicts(s.num, s.twins.own(a, hidHere), s.twins.own(b, hidThere), r.parted) {
		if !s.repeated(r, c) {
			fx.Conflicts = append(fx.Conflicts, c)
		}
	}
	if !r.backup { // whose versions no client has seen
		if known != nil && sameVersion(known, m) {
			return false
		}
		m = s.distinct(now, m, known, offer)
	}
	s.append(now, &logged{entry: Entry{Parts: []Part{{Session: m}}, Requests: requests}, need: s.backups()}, fx)
	return true
}

// distinct is m, the merge of two versions, with a stamp of its own if it has that of one that holds something else: else a commit
// made for that one, by [Commit.If], would take effect on what its client has not seen.
func (s *Slot) distinct(now Instant, m, a, b *Session) *Session {
	passesFor := func(v *Session) bool { return v != nil && v.Stamp == m.Stamp && !sameWrites(v, m) }
	if m.ended() || !passesFor(a) && !passesFor(b) {
		return m
	}
	v := *m
	v.Stamp = s.cfg.Clock.Next(now.Wall)
	v.Touched = v.Stamp
	return &v
}

// compare says which of the sessions listed are wanted, and sends a backup those that it did not list.
func (s *Slot) compare(now Instant, r *reunion, m *Offer, fx *Effects) (wanted []uint32) {
	listed := make(map[Key]bool, len(m.Items))
	var space Session
	for i, item := range m.Items {
		listed[item.Key] = true
		if rec := s.records.find(item.Key); rec == nil || rec.viewIn(&space).fingerprint() != item.Version {
			wanted = append(wanted, uint32(i))
		}
	}
	from := r.listed
	if len(m.Items) > 0 {
		r.listed = m.Items[len(m.Items)-1].Key
	}
	if r.backup {
		s.giveUnlisted(now, r, from, listed, m.Last, fx)
	}
	return wanted
}

// giveUnlisted sends the sessions that a backup did not list between the end of one chunk and that of the next, or, after
// the last, from there on.
func (s *Slot) giveUnlisted(now Instant, r *reunion, from Key, listed map[Key]bool, last bool, fx *Effects) {
	given := uint64(0)
	for _, rec := range s.records.sorted() {
		key := rec.key()
		within := key.compare(from) > 0 && (last || key.compare(r.listed) <= 0)
		if !within || listed[key] || s.full() {
			continue
		}
		s.append(now, &logged{entry: Entry{Parts: []Part{{Session: rec.whole()}}}, need: s.backups()}, fx)
		given++
	}
	if given > 0 {
		fx.Events = append(fx.Events, Event{Kind: EventRepaired, Slot: s.num, Epoch: s.claim.Epoch, Peer: r.from, Count: given})
	}
}

// hasRoom reports whether the sessions that are new here fit into the slot.
func (s *Slot) hasRoom(parts []Part) bool {
	n := s.records.len()
	for i := range parts {
		if v := parts[i].Session; v != nil && s.records.find(v.Key) == nil {
			n++
		}
	}
	return n <= s.cfg.Limits.SessionsMax
}

// confirmOffers answers the chunks that are on all backups by now.
func (s *Slot) confirmOffers(fx *Effects) {
	for len(s.offers) > 0 && s.offers[0].seq <= s.tail.committed {
		o := s.offers[0]
		s.offers = slices.Delete(s.offers, 0, 1)
		fx.send(o.from, o.reply)
		i := slices.IndexFunc(s.reunions, func(r *reunion) bool { return r.from == o.from && r.transfer == o.reply.Transfer })
		switch {
		case i < 0:
		case o.last:
			s.reunions = slices.Delete(s.reunions, i, i+1)
		default:
			s.reunions[i].upTo = o.upTo
		}
	}
}
