package history

import (
	"errors"
	"strings"
	"sync"
	"time"
)

// ErrFull means that the recorder's memory is used up: what it refused must not be done.
var ErrFull = errors.New("history is full: end the run, or give the recorder more memory")

// What things weigh in memory, in bytes, as the recorder estimates it.
const (
	limitDefault = 256 << 20
	eventBytes   = 400 // any event, without its text
	answerBytes  = 600 // kept free for the answer of each operation under way
	errorLenMax  = 200
)

// Recorder collects a history. Its methods may be called at any time and from any goroutine.
//
// At its limit Begin returns ErrFull and the caller must not send the operation: what happens unrecorded would be
// judged as if it had not happened. Answers always find room, except that what a read saw is left out if there is none;
// the read is then unknown, which blames nobody. Faults, splits, conflicts and final reads may use a tenth more than
// the limit, since a run that is full still has to be ended.
type Recorder struct {
	now   func() time.Duration // since the run began
	limit int                  // bytes

	mu      sync.Mutex // guards the rest
	h       History
	used    int // bytes
	pending map[int]bool
	cut     int // reads of which the answer was left out
}

// NewRecorder returns an empty recorder. now is the time since the run began, monotonic; it is called from any goroutine
// and with the recorder locked. limitBytes bounds the memory; zero: 256 MiB.
func NewRecorder(run Run, now func() time.Duration, limitBytes int) *Recorder {
	if limitBytes <= 0 {
		limitBytes = limitDefault
	}
	return &Recorder{now: now, limit: limitBytes, h: History{Run: run}, pending: make(map[int]bool)}
}

// Begin records that a call is about to be sent, and names it for End. ErrFull: it must not be sent.
func (r *Recorder) Begin(c Call) (id int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := eventBytes + answerBytes + len(c.Client) + len(c.Workload) + len(c.Session) + len(c.Attr) + len(c.Input) + len(c.Token)
	if r.used+size > r.limit {
		return 0, ErrFull
	}
	r.used += size
	id = len(r.h.Operations) + 1
	r.pending[id] = true
	r.h.Operations = append(r.h.Operations, Operation{ID: id, Call: c, Invoked: r.now()})
	return id, nil
}

// End records the answer to the call that Begin named id, once. The recorder owns the answer's map and slice from then on.
func (r *Recorder) End(id int, a Answer) {
	returned := r.now() // the answer is here already; waiting for the lock is not its fault
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.pending[id] {
		panic("history: BUG: an answer to a call that is not under way")
	}
	delete(r.pending, id)
	o := &r.h.Operations[id-1]
	if extra := max(a.size()-answerBytes, 0); r.used+extra <= r.limit {
		r.used += extra
	} else if o.Reads() {
		a = Answer{Outcome: Unknown, Error: "the answer did not fit into the history", Node: a.Node}
		r.cut++
	}
	if len(a.Error) > errorLenMax {
		a.Error = strings.ToValidUTF8(a.Error[:errorLenMax], "") + "…"
	}
	o.Answer, o.Returned = a, returned
}

// size estimates what an answer weighs.
func (a *Answer) size() int {
	size := min(len(a.Error), errorLenMax) + len(a.Output) + len(a.Granted) + len(a.Stamp) + len(a.Node) + mapBytes(a.Seen)
	for _, s := range a.Listed {
		size += 16 + len(s)
	}
	return size
}

func mapBytes(m map[string]string) int {
	size := 0
	for k, v := range m {
		size += 48 + len(k) + len(v)
	}
	return size
}

// Fault records a fault, once it is over or the run is. ErrFull: it is not in the history.
func (r *Recorder) Fault(f Fault) error {
	return r.add(len(f.Note)+textBytes(f.Whom), func(h *History) { h.Faults = append(h.Faults, f) })
}

// Split records a split, once it is over or the run is. ErrFull: it is not in the history.
func (r *Recorder) Split(s Split) error {
	size := 0
	for _, side := range s.Sides {
		size += textBytes(side)
	}
	return r.add(size, func(h *History) { h.Splits = append(h.Splits, s) })
}

// Conflict records an entry of a node's list; the caller records each one once. A killed node takes its list along, so
// lists want to be read before. ErrFull: it is not in the history.
func (r *Recorder) Conflict(c Conflict) error {
	size := len(c.Session) + len(c.Attr) + len(c.Lost) + len(c.Kept) + len(c.Why)
	return r.add(size, func(h *History) { h.Conflicts = append(h.Conflicts, c) })
}

// Unlisted records why conflicts may be missing. ErrFull: it is not in the history.
func (r *Recorder) Unlisted(why string) error {
	return r.add(len(why), func(h *History) { h.Unlisted = append(h.Unlisted, why) })
}

// Final records a final read. ErrFull: it is not in the history.
func (r *Recorder) Final(f Final) error {
	size := len(f.Session) + len(f.Node) + len(f.Error) + mapBytes(f.Attrs)
	return r.add(size, func(h *History) { h.Finals = append(h.Finals, f) })
}

func textBytes(texts []string) int {
	size := 0
	for _, t := range texts {
		size += 16 + len(t)
	}
	return size
}

func (r *Recorder) add(size int, add func(*History)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used+eventBytes+size > r.limit+r.limit/10 {
		return ErrFull
	}
	r.used += eventBytes + size
	add(&r.h)
	return nil
}

// UnderWay is the number of operations without an answer yet.
func (r *Recorder) UnderWay() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.pending)
}

// CutAnswers is the number of reads whose answers were left out, because there was no room.
func (r *Recorder) CutAnswers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// History is a copy of what was recorded until now. Operations under way are unknown in it, and end now. The copy shares
// maps and slices inside of events, which must not be changed.
func (r *Recorder) History() *History {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := History{
		Run:        r.h.Run,
		Operations: append([]Operation(nil), r.h.Operations...),
		Faults:     append([]Fault(nil), r.h.Faults...),
		Splits:     append([]Split(nil), r.h.Splits...),
		Conflicts:  append([]Conflict(nil), r.h.Conflicts...),
		Finals:     append([]Final(nil), r.h.Finals...),
		Unlisted:   append([]string(nil), r.h.Unlisted...),
	}
	h.Run.Length = r.now()
	for id := range r.pending {
		o := &h.Operations[id-1]
		o.Outcome, o.Returned = Unknown, h.Run.Length
	}
	return &h
}
