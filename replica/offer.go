package replica

import (
	"slices"
	"time"
)

// offering is a holder's side of giving what it holds to the acting primary.
type offering struct {
	id      uint64
	to      Boot
	keys    []Key // not sent yet
	next    uint32
	waiting bool
	last    bool          // the last chunk was sent
	again   time.Duration // Instant.Mono at which it starts over if the chunk is unanswered
}

// offered is a chunk of an offer that the primary answers once it is on all backups.
type offered struct {
	from  Boot
	reply *OfferReply
	seq   uint64 // the last entry that the chunk became
}

// offersMax bounds the chunks that a primary has merged and not confirmed, for one slot.
const offersMax = 16

// offerAgain is how long a holder waits for an answer before it starts over, refusedPause how long after a refusal.
const (
	offerAgain   = 2 * time.Second
	refusedPause = 250 * time.Millisecond
)

// OfferNext sends the next chunk of what a holder holds to the acting primary, if the one before was answered. A chunk
// unanswered for too long, or another primary, starts the offer over under the id given.
func (s *Slot) OfferNext(now Instant, to Boot, id uint64, fx *Effects) {
	o := &s.offering
	if s.role != Holder || o.to == to && o.waiting && now.Mono < o.again {
		return
	}
	if o.to != to || o.waiting {
		*o = offering{id: id, to: to}
		if to != s.followed { // whom it followed has all that it holds
			o.keys = s.keys()
		}
	}
	m := &Offer{Slot: s.num, Transfer: o.id, Chunk: o.next}
	for size := 0; len(o.keys) > 0 && size < s.cfg.Limits.ChunkBytes; o.keys = o.keys[1:] {
		r := s.records[o.keys[0]]
		if r == nil {
			continue // forgotten since the offer began
		}
		p := Part{Session: r.whole()}
		size += partSize(&p)
		m.Parts = append(m.Parts, p)
	}
	m.Last = len(o.keys) == 0
	o.next++
	o.waiting, o.last, o.again = true, m.Last, now.Mono+offerAgain
	fx.send(to, m)
}

// OfferReply takes the primary's answer; once everything is merged the holder drops it.
func (s *Slot) OfferReply(from Boot, m *OfferReply) {
	o := &s.offering
	if s.role != Holder || from != o.to || m.Transfer != o.id || m.Chunk+1 != o.next {
		return
	}
	if m.Refused {
		o.again -= offerAgain - refusedPause
		return
	}
	o.waiting = false
	if o.last {
		s.Drop()
	}
}

// Offer merges what a holder offers. The answer follows when all backups have it. It is refused, for the holder to come
// back later, while the slot is full or has much under way already.
func (s *Slot) Offer(now Instant, from Boot, m *Offer, fx *Effects) {
	reply := &OfferReply{Slot: s.num, Transfer: m.Transfer, Chunk: m.Chunk}
	if s.role != Primary || len(s.offers) >= offersMax || s.crowded() || !s.hasRoom(m.Parts) {
		reply.Refused = true
		fx.send(from, reply)
		return
	}
	merged := uint64(0)
	for i := range m.Parts {
		if m.Parts[i].sound() && s.adopt(now, &m.Parts[i], fx) {
			merged++
		}
	}
	if merged > 0 {
		fx.Events = append(fx.Events, Event{Kind: EventMerged, Slot: s.num, Epoch: s.claim.Epoch, Peer: from, Count: merged})
	}
	s.offers = append(s.offers, offered{from, reply, s.tail.head})
	s.confirmOffers(fx)
}

// hasRoom reports whether the sessions that are new here fit into the slot.
func (s *Slot) hasRoom(parts []Part) bool {
	n := len(s.records)
	for i := range parts {
		if v := parts[i].Session; v != nil && s.records[v.Key] == nil {
			n++
		}
	}
	return n <= s.cfg.Limits.SessionsMax
}

// adopt makes an offered session an entry if it tells anything new, and reports whether it did.
func (s *Slot) adopt(now Instant, p *Part, fx *Effects) bool {
	offer := p.Session
	if offer.ended() && offer.Until <= now.Wall || !offer.ended() && offer.Settings.Deadline <= now.Wall {
		return false
	}
	s.cfg.Clock.Observe(offer.Touched)
	var known *Session
	if r := s.records[offer.Key]; r != nil {
		known = r.newest
	}
	m := Merge(known, offer).bare()
	if known != nil && sameVersion(known, m) {
		return false
	}
	s.append(now, &logged{entry: Entry{Parts: []Part{{Session: m}}}, need: s.backups()}, fx)
	return true
}

// confirmOffers answers the chunks that are on all backups by now.
func (s *Slot) confirmOffers(fx *Effects) {
	for len(s.offers) > 0 && s.offers[0].seq <= s.tail.committed {
		fx.send(s.offers[0].from, s.offers[0].reply)
		s.offers = slices.Delete(s.offers, 0, 1)
	}
}
