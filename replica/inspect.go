package replica

import "iter"

// Version is the newest version of a session that this replica holds, whether it is durable yet or over; nil if it holds
// none. It is for those who inspect a replica: a client is answered by Load. It must not be modified.
func (s *Slot) Version(key Key) *Session {
	if r := s.records.find(key); r != nil {
		return r.view()
	}
	return nil
}

// Versions is the Version of every session that this replica holds, in no order.
func (s *Slot) Versions() iter.Seq2[Key, *Session] {
	return func(yield func(Key, *Session) bool) {
		for r := range s.records.all() {
			if v := r.view(); !yield(v.Key, v) {
				return
			}
		}
	}
}
