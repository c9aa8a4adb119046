package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// Second is what became of the operations that were asked for in one second of the run.
type Second struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"` // acknowledged, or refused for what they were
}

// Gap is how long a session was without an answer: from an operation's call to the first answer to it or to a later one, or
// until the last that asked in vain gave up.
type Gap struct {
	Session string        `json:"session,omitempty"` // empty: there was none
	From    time.Duration `json:"from"`
	Length  time.Duration `json:"length"`
	Ended   bool          `json:"ended"` // false: no answer came any more
}

// Service is how one workload was served.
type Service struct {
	Workload string   `json:"workload"`
	Asked    int      `json:"asked"`
	Answered int      `json:"answered"`
	Longest  Gap      `json:"longest"`
	Seconds  []Second `json:"seconds"` // from the beginning of the run, one for each second until its end
}

// FaultGap is the longest gap that began while a fault lasted or at most Limits.Restore after its end, but before the next
// fault; or that lay around its beginning. A gap that two faults may have caused is shown with both.
type FaultGap struct {
	Fault   history.Fault `json:"fault"`
	Longest Gap           `json:"longest"`
}

// Availability is the figures of a run.
type Availability struct {
	Workloads []Service  `json:"workloads"` // ascending by name
	Faults    []FaultGap `json:"faults"`    // in the order of their beginnings
}

// secondsMax bounds the seconds that are counted one by one: a day.
const secondsMax = 86400

// Availability counts, and judges nothing. Waiting for a lock is left out of gaps, since others may hold it.
func (j *Judge) Availability() Availability {
	a := Availability{Workloads: []Service{}, Faults: []FaultGap{}}
	byName := make(map[string]*Service)
	for i := range j.h.Operations {
		o := &j.h.Operations[i]
		s := byName[o.Workload]
		if s == nil {
			s = &Service{Workload: o.Workload, Seconds: make([]Second, min(j.end/time.Second+1, secondsMax))}
			byName[o.Workload] = s
		}
		s.count(o)
	}
	for _, f := range j.h.Faults {
		a.Faults = append(a.Faults, FaultGap{Fault: f})
	}
	slices.SortStableFunc(a.Faults, func(x, y FaultGap) int { return int(x.Fault.From - y.Fault.From) })
	for _, s := range j.sessions {
		for _, g := range s.gaps(j.end) {
			service := byName[g.workload]
			service.Longest = longer(service.Longest, g.Gap)
			for i := range a.Faults {
				if j.concerns(a.Faults, i, g.Gap) {
					a.Faults[i].Longest = longer(a.Faults[i].Longest, g.Gap)
				}
			}
		}
	}
	for _, name := range sortedKeys(byName) {
		a.Workloads = append(a.Workloads, *byName[name])
	}
	return a
}

func (s *Service) count(o *history.Operation) {
	second := &s.Seconds[min(int(o.Invoked/time.Second), len(s.Seconds)-1)]
	s.Asked++
	second.Asked++
	if o.Answered() {
		s.Answered++
		second.Answered++
	}
}

func longer(a, b Gap) Gap {
	if b.Length > a.Length {
		return b
	}
	return a
}

// namedGap is a gap in one workload.
type namedGap struct {
	Gap
	workload string
}

// gaps is, for each operation, how long its session was without an answer from then on.
func (s *session) gaps(end time.Duration) []namedGap {
	first := make(map[string]time.Duration) // answer to an operation of a workload at or after the one looked at
	last := make(map[string]time.Duration)  // when those had all given up
	var all []namedGap
	for _, o := range slices.Backward(s.ops) {
		if o.Kind == history.Lock || o.Kind == history.Use {
			continue
		}
		at, ended := first[o.Workload]
		if o.Answered() && (!ended || o.Returned < at) {
			at, ended = o.Returned, true
			first[o.Workload] = at
		}
		if last[o.Workload] = max(last[o.Workload], o.Returned); !ended {
			at = min(last[o.Workload], end)
		}
		all = append(all, namedGap{Gap{s.name, o.Invoked, at - o.Invoked, ended}, o.Workload})
	}
	return all
}

// concerns reports whether a gap may come from the i-th fault: not if it began under an earlier one.
func (j *Judge) concerns(faults []FaultGap, i int, g Gap) bool {
	f := &faults[i].Fault
	until := j.mended(f) + j.limits.Restore
	for _, next := range faults[i+1:] {
		if next.Fault.From > f.From {
			until = min(until, next.Fault.From)
			break
		}
	}
	if g.From >= f.From {
		return g.From < until
	}
	earlier := slices.ContainsFunc(faults[:i], func(e FaultGap) bool {
		return e.Fault.From <= g.From && g.From <= j.mended(&e.Fault)
	})
	return g.From+g.Length > f.From && !earlier
}

// mended is when a fault was over; a killed process has done its harm when others have taken over.
func (j *Judge) mended(f *history.Fault) time.Duration {
	switch {
	case f.Until > 0:
		return f.Until
	case f.Kind == history.Kill:
		return f.From
	}
	return j.end
}

// Available judges the limits on gaps. Without limits there is nothing to judge.
func (j *Judge) Available() Verdict {
	v := &Verdict{Guarantee: NoGuarantee, Check: "available"}
	if len(j.limits.Gaps) == 0 {
		return v.done()
	}
	for _, f := range j.Availability().Faults {
		limit := j.limits.Gaps[f.Fault.Kind]
		if limit == 0 || f.Longest.Session == "" {
			continue
		}
		v.Looked++
		if f.Longest.Length > limit {
			v.violated(fmt.Sprintf("%s of %v at %.3f s: session %s had no answer for %.3f s from %.3f s on, and the limit is %.3f s",
				f.Fault.Kind, f.Fault.Whom, f.Fault.From.Seconds(), f.Longest.Session, f.Longest.Length.Seconds(),
				f.Longest.From.Seconds(), limit.Seconds()))
		}
	}
	return v.done()
}
