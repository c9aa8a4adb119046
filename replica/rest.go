package replica

import "time"

// A record in use takes about twice the memory of one that rests, and packing it again costs about as much as a commit. So
// a session is unpacked by whoever uses it, and packed when nobody has for a while: soon if it was not used for long
// before, as most sessions of a large node are, or is new.
const (
	restAfter = 5 * time.Second
	restSoon  = time.Second
)

// restsPerKeep bounds the records that are packed or found used at one time.
const restsPerKeep = 1024

// lookup is the record of a key, awake, or nil.
func (s *Slot) lookup(key Key) *record {
	r := s.records.find(key)
	if r != nil {
		s.wake(r)
	}
	return r
}

// recordOf finds or makes the record of a key, awake. A new one has no versions yet.
func (s *Slot) recordOf(key Key) *record {
	if r := s.lookup(key); r != nil {
		return r
	}
	r := &record{index: -1, accessed: neverAccessed}
	s.records.put(key, r)
	s.rouse(r, nil)
	r.name.hold(key)
	return r
}

// neverAccessed lies before every access: a session's last one may be older than this boot's clock.
const neverAccessed time.Duration = -1 << 62

// wake makes the versions of a record readable.
func (s *Slot) wake(r *record) {
	if r.versions != nil {
		r.used = s.ticked
		return
	}
	v := &Session{}
	r.rest.unpack(v, nil)
	r.rest = ""
	s.rouse(r, v)
	v.Key = r.name.hold(v.Key)
	v.summary = summarize(v.Attrs, &s.layouts)
}

// rouse has a record be awake with one version.
func (s *Slot) rouse(r *record, v *Session) {
	r.versions = &versions{durable: v, newest: v, used: s.ticked, queued: s.ticked, stays: restSoon}
	if s.ticked-r.accessed < restAfter {
		r.stays = restAfter
	}
	s.awake = append(s.awake, r)
}

// lie has a record rest that has nothing pending.
func (r *record) lie() { r.rest, r.versions = pack(r.newest), nil }

// restSome packs records that nobody has used for a while. A record that has something pending is in use.
func (s *Slot) restSome(now time.Duration) {
	n := 0
	for ; n < min(len(s.awake), restsPerKeep) && now-s.awake[n].queued >= restSoon; n++ {
		r := s.awake[n]
		s.awake[n] = nil
		if now-r.used < r.stays || len(r.pending) > 0 {
			r.queued = now
			s.awake = append(s.awake, r)
			continue
		}
		r.lie()
	}
	if s.awake = s.awake[n:]; len(s.awake) == 0 {
		s.awake = nil
	}
}
