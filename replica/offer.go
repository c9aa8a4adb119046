package replica

import (
	"cmp"
	"time"
)

// An offer is how two copies that differ are made one. A holder, which was on another side of a split, lists what it
// holds to the acting primary: each session's key and a fingerprint of its version, in the order of keys. The primary
// wants those that it does not have so, merges them, and answers each chunk once what it brought is on all backups. A
// backup that a comparison found to differ from its primary does the same, and gets what it lacks besides.

// offering is the side that lists.
type offering struct {
	id       uint64
	to       Boot
	keys     []Key // not listed yet
	listed   []Key // by the last chunk
	wanted   []Key // not sent yet
	requests []RememberedRequest
	next     uint32 // chunk
	told     bool   // the primary has answered the first chunk
	waiting  bool
	last     bool // the last chunk was sent
	refused  bool
	sent     time.Duration // Instant.Mono of the last chunk
}

// offerAgain is how long an answer to a chunk is awaited before the offer starts over; soonAgain after the first chunk,
// for which clients may wait, and after a refusal.
const (
	offerAgain = 2 * time.Second
	soonAgain  = 250 * time.Millisecond
)

// itemsMax bounds the sessions that one chunk lists.
const itemsMax = 512

// Offers reports whether the node has something to tell the acting primary: it is a holder, or a backup that differs.
func (s *Slot) Offers() bool { return s.role == Holder || s.role == Backup && s.differs }

// Told reports whether the acting primary knows what this node has to offer, or there is nothing.
func (s *Slot) Told() bool { return !s.Offers() || s.offering.told }

// Offering reports whether a chunk is on its way and its answer awaited.
func (s *Slot) Offering(now Instant) bool {
	o := &s.offering
	if o.next == 1 || o.refused {
		return o.waiting && now.Mono-o.sent < soonAgain
	}
	return o.waiting && now.Mono-o.sent < offerAgain
}

// OfferNext sends the next chunk to the acting primary, if the one before was answered, and reports the size in bytes of
// the sessions in it. A chunk unanswered for too long, or another primary, starts the offer over under the id given.
func (s *Slot) OfferNext(now Instant, to Boot, id uint64, fx *Effects) (sizeBytes int) {
	o := &s.offering
	if !s.Offers() || o.to == to && s.Offering(now) {
		return 0
	}
	m := &Offer{Slot: s.num}
	if o.to != to || o.waiting {
		*o = offering{id: id, to: to, told: o.told && o.to == to}
		m.Lineage = s.lineage
		if to != s.followed || s.role == Backup { // whom a holder followed has all that it holds
			o.keys, o.requests = s.keys(), s.requests.all()
		}
	} else {
		sizeBytes = s.fillOffer(m, o)
	}
	m.Transfer, m.Chunk = o.id, o.next
	m.Last = len(o.wanted)+len(o.keys)+len(o.requests)+len(m.Items) == 0 && (o.next > 0 || s.role == Holder)
	o.next++
	o.waiting, o.last, o.sent = true, m.Last, now.Mono
	fx.send(to, m)
	return sizeBytes
}

// fillOffer puts into a chunk what was wanted of the last, then request ids, and lists more sessions when all of that is
// sent.
func (s *Slot) fillOffer(m *Offer, o *offering) (sizeBytes int) {
	for len(o.wanted) > 0 && sizeBytes < s.cfg.Limits.ChunkBytes {
		if r := s.records.find(o.wanted[0]); r != nil { // else forgotten since it was listed
			p := Part{Session: r.whole()}
			sizeBytes += partSize(&p)
			m.Parts = append(m.Parts, p)
		}
		o.wanted = o.wanted[1:]
	}
	n := min(max(0, s.cfg.Limits.ChunkBytes-sizeBytes)/rememberedBytes+1, len(o.requests))
	m.Requests, o.requests = o.requests[:n:n], o.requests[n:]
	if len(o.wanted)+len(o.requests) > 0 {
		return sizeBytes
	}
	var space Session
	for len(o.keys) > 0 && len(m.Items) < itemsMax {
		if r := s.records.find(o.keys[0]); r != nil {
			m.Items = append(m.Items, Item{Key: o.keys[0], Version: r.viewIn(&space).fingerprint()})
			o.listed = append(o.listed, o.keys[0])
		}
		o.keys = o.keys[1:]
	}
	return sizeBytes
}

// OfferReply takes the primary's answer. A holder whose offer is complete drops everything.
func (s *Slot) OfferReply(from Boot, m *OfferReply) {
	o := &s.offering
	if !s.Offers() || from != o.to || m.Transfer != o.id || m.Chunk+1 != o.next || !o.waiting {
		return
	}
	if m.Refused {
		o.refused = true
		return
	}
	o.waiting, o.told = false, true
	for _, i := range m.Wanted {
		if int(i) < len(o.listed) {
			o.wanted = append(o.wanted, o.listed[i])
		}
	}
	o.listed = nil
	switch {
	case !o.last:
	case s.role == Holder:
		s.Drop()
	default:
		s.differs, s.offering = false, offering{}
	}
}

// Fetch answers the acting primary, which wants one session ahead of the others because somebody asks for it. A node that
// has nothing of it says so; one that offers nothing any more ends the offer that the primary still waits for, with one
// that is over at once: another primary has merged what it held, and was then outranked by this one.
func (s *Slot) Fetch(from Boot, m *Fetch, fx *Effects) {
	reply := &Fetched{Slot: s.num, Key: m.Key}
	if r := s.records.find(m.Key); s.role == Holder && r != nil {
		reply.Parts = []Part{{Session: r.whole()}}
		reply.Requests = s.requests.of(m.Key)
	}
	fx.send(from, reply)
	if !s.Offers() {
		fx.send(from, &Offer{Slot: s.num, Last: true})
	}
}

// compare orders keys: the order in which they are listed.
func (k Key) compare(l Key) int { return cmp.Or(cmp.Compare(k.App, l.App), cmp.Compare(k.ID, l.ID)) }
