package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Locks judges the locks of G3: fencing tokens rise from grant to grant, the resource outside accepts none below one that
// it accepted, and none that nobody was granted; nobody holds a lock that another holds. What an answer proves is held
// against everybody on the same side; what a holder merely believes, only where no fault could end the lock meanwhile.
func (j *Judge) Locks() Verdict {
	v := &Verdict{Guarantee: G3, Check: "locks"}
	for _, s := range j.sessions {
		j.grantsRise(v, s)
		usesRise(v, s)
		granted(v, s)
		j.overlaps(v, s)
	}
	return v.done()
}

// grants is the locks of a session that were granted, in the order of their answers.
func (s *session) grants() []*history.Operation {
	var found []*history.Operation
	for _, o := range s.ops {
		if o.Kind == history.Lock && o.Outcome == history.OK {
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b *history.Operation) int { return int(a.Returned - b.Returned) })
	return found
}

// grantsRise judges the tokens of each grant and those that were asked for after it.
func (j *Judge) grantsRise(v *Verdict, s *session) {
	all := s.grants()
	v.Looked += len(all)
	for i, b := range all {
		for _, a := range all[:i] {
			ordered := a.Returned <= b.Invoked && a.Granted > b.Granted
			if (ordered || a.Granted == b.Granted) && j.binds(a, b) {
				v.violated(fmt.Sprintf("session %s: token %s was granted after token %s: %s, then %s",
					s.name, b.Granted, a.Granted, say(a), say(b)), a, b)
				break
			}
		}
	}
}

// usesRise judges the order in which the resource accepted tokens. It is one resource, whatever splits there are.
func usesRise(v *Verdict, s *session) {
	var accepted []*history.Operation
	for _, o := range s.ops {
		if o.Kind == history.Use && o.Outcome == history.OK {
			accepted = append(accepted, o)
		}
	}
	v.Looked += len(accepted)
	byReturn := slices.Clone(accepted)
	slices.SortStableFunc(byReturn, func(a, b *history.Operation) int { return int(a.Returned - b.Returned) })
	var highest *history.Operation // of those that had returned
	next := 0
	for _, o := range accepted {
		for ; byReturn[next].Returned <= o.Invoked && byReturn[next] != o; next++ {
			if highest == nil || byReturn[next].Token > highest.Token {
				highest = byReturn[next]
			}
		}
		if highest != nil && o.Token < highest.Token {
			v.violated(fmt.Sprintf("session %s: the resource accepted token %s after it had accepted %s: %s, then %s",
				s.name, o.Token, highest.Token, say(highest), say(o)), highest, o)
		}
	}
}

// granted judges whether every token that the resource accepted was somebody's.
func granted(v *Verdict, s *session) {
	tokens := make(map[string]bool)
	for _, o := range s.mayCount(history.Lock) {
		if o.Outcome == history.Unknown {
			return // its token is not known
		}
		tokens[o.Granted] = true
	}
	for _, o := range s.ops {
		if o.Kind == history.Use && o.Outcome == history.OK && !tokens[o.Token] {
			v.violated(fmt.Sprintf("session %s: the resource accepted token %s, which nobody was granted: %s", s.name, o.Token, say(o)), o)
		}
	}
}

// hold is one holder's time.
type hold struct {
	grant    *history.Operation
	end      *history.Operation // that proves or ends it; nil if nothing does
	proven   time.Duration      // until when the store's answers show that it was held
	believed time.Duration      // until when the holder thought so. Invariant: proven <= believed.
}

// holds is the holders' times, in the order of their grants' answers.
func (s *session) holds() []hold {
	byToken := make(map[string]*hold)
	var all []*hold
	for _, o := range s.grants() {
		h := &hold{grant: o, proven: o.Returned, believed: o.Returned}
		byToken[o.Granted] = h
		all = append(all, h)
	}
	for _, o := range s.ops {
		h := byToken[o.Token]
		if h == nil || o.Token == "" || o.Invoked < h.believed || h.end != nil && h.end.Kind == history.Unlock {
			continue // what comes after the release is late
		}
		h.believed, h.end = o.Invoked, o
		if o.Outcome == history.OK && o.Kind != history.Use {
			h.proven = o.Invoked // the store took a commit or a release with the token later than this
		}
	}
	holds := make([]hold, len(all))
	for i, h := range all {
		holds[i] = *h
	}
	return holds
}

// overlaps judges whether two held the lock at a time.
func (j *Judge) overlaps(v *Verdict, s *session) {
	holds := s.holds()
	for i, b := range holds {
		for _, a := range holds[:i] {
			if a.grant.Granted == b.grant.Granted || a.believed <= b.grant.Returned {
				continue
			}
			proven := a.proven > b.grant.Returned && j.sidesMeet(a.end, b.grant)
			if proven || !j.disturbed(a.grant.Invoked, b.grant.Returned) {
				v.violated(fmt.Sprintf("session %s: two held the lock at %.3f s: token %s until %.3f s at least, %s, and token %s, %s",
					s.name, b.grant.Returned.Seconds(), a.grant.Granted, a.believed.Seconds(), say(a.grant), b.grant.Granted, say(b.grant)),
					a.grant, a.end, b.grant)
			}
		}
	}
}

// sidesMeet reports whether two operations were made outside of splits or on one side.
func (j *Judge) sidesMeet(a, b *history.Operation) bool { return j.binds(a, b) && j.binds(b, a) }

// disturbed reports whether a fault may have ended a lock in an interval.
func (j *Judge) disturbed(from, until time.Duration) bool {
	faulty := slices.ContainsFunc(j.h.Faults, func(f history.Fault) bool {
		end := f.Until
		if end == 0 && f.Kind != history.Kill {
			return f.From <= until
		}
		return f.From <= until && max(f.From, end)+j.limits.Rejoin >= from
	})
	return faulty || j.inSplit(from, until)
}
