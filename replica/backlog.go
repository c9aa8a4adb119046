package replica

import "time"

// Backlog is what a primary's followers have not acknowledged yet.
type Backlog struct {
	Entries, Bytes int // of the log; some of them are on some followers
	// Behind is for how long the backup that is furthest behind has made no progress though it lacks something.
	Behind time.Duration
}

// Backlog is the slot's, zero where this node is not primary.
func (s *Slot) Backlog(now Instant) Backlog {
	if s.role != Primary {
		return Backlog{}
	}
	b := Backlog{Entries: len(s.tail.items), Bytes: s.tail.sizeBytes}
	for _, f := range s.followers {
		if !f.learning() && f.acked < s.tail.head {
			b.Behind = max(b.Behind, now.Mono-f.progress)
		}
	}
	return b
}

// LockCount counts the locks that are held and the requests that wait for one.
func (s *Slot) LockCount(now Instant) (held, waiting int) {
	for _, l := range s.locks {
		if !l.token.IsZero() && now.Mono < l.until {
			held++
		}
		waiting += len(l.queue)
	}
	return held, waiting
}
