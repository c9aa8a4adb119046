package client

import (
	"fmt"
	"sync"
	"time"
)

// How a window follows what its node can do.
const (
	windowMin   = 64                     // requests, and as many in the queue: so few callers are never refused
	windowLook  = 100 * time.Millisecond // between two looks at how long answers took
	windowQueue = 40 * time.Millisecond  // that half of the answers may take longer than usual
	windowSlow  = 2                      // looks in a row at which they did, before the window shrinks
	windowWait  = time.Second            // for a place; a request that gets none was not sent

	windowShrink = 0.7
	windowGrow   = 1.25
	usualWeight  = 0.01 // of each look in what is usual
)

// errWindow refuses a request before it is sent.
var errWindow = fmt.Errorf("%w: the node answers slowly, and as many requests wait for it as it gets done", ErrOverloaded)

// window bounds the requests that a client has under way at one node. It is as wide as the client allows until most
// answers take long, or the node refuses for overload: then work stands in a queue, where more of it only makes every
// answer later. Slow answers among as many fast ones, as when some slots fail over, change nothing. What does not fit waits
// here, costs the node nothing, and is refused when as many wait already, or after a while.
type window struct {
	max int

	mu      sync.Mutex // guards the fields below
	size    float64    // Invariant: windowMin <= size, or size == max.
	used    int
	most    int       // used since the last look
	waiting []*ticket // in the order of asking; at most size of them that have not given up

	look    time.Duration // client.now of the next look
	fastest time.Duration // answer since the last look; zero: none
	refused bool          // the node was overloaded since then
	full    bool          // a request did not fit since then
	late    int           // answers since the last look that were slow, less those that were not
	slow    int           // looks in a row at which most answers were slow
	usual   time.Duration // the fastest, over some ten seconds
}

// ticket is one request's place in a window, or in the queue for it.
type ticket struct {
	call      *call
	in        bool // may be sent
	immediate bool // came in at once; never changes
	apart     bool // takes no place: its answer comes when somebody lets a lock go, which may need the place
	givenUp   bool
}

func newWindow(max int) *window { return &window{max: max, size: float64(max)} }

// enter takes a place for a call, or a place in the queue, of which the call will be woken; nil when there is no room in
// either.
func (w *window) enter(c *call) *ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := c.ticket
	if c.ticket = nil; t == nil {
		t = new(ticket)
	}
	*t = ticket{call: c, apart: c.request.Lock != nil}
	if t.apart {
		t.in, t.immediate = true, true
		return t
	}
	if float64(w.used) < w.size && len(w.waiting) == 0 {
		t.immediate = true
		w.take(t)
		return t
	}
	w.full = true
	w.admit() // what has given up makes room
	if float64(len(w.waiting)) >= w.size {
		return nil
	}
	w.waiting = append(w.waiting, t)
	w.admit()
	return t
}

// take gives a ticket a place. Called with mu held.
func (w *window) take(t *ticket) {
	t.in = true
	w.used++
	w.most = max(w.most, w.used)
}

// holds reports whether a ticket's request may be sent.
func (w *window) holds(t *ticket) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.in
}

// narrow makes the window smaller at the next look: the node is overloaded.
func (w *window) narrow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused = true
}

// leave gives a place back. With took, unless it is zero, the node answered.
func (w *window) leave(t *ticket, now, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.givenUp = true; t.in && !t.apart {
		w.used--
	}
	if t.in { // it is in the queue no more
		t.call.ticket = t
	}
	if took > 0 {
		w.answered(took)
	}
	if now >= w.look {
		w.adapt()
		w.look = now + windowLook
	}
	w.admit()
}

// answered takes in how long an answer took. Called with mu held.
func (w *window) answered(took time.Duration) {
	if w.fastest == 0 || took < w.fastest {
		w.fastest = took
	}
	if w.usual > 0 && took > w.usual+windowQueue {
		w.late++
	} else {
		w.late--
	}
}

// adapt changes the size for what was seen since the last look. Called with mu held.
func (w *window) adapt() {
	if w.late > 0 {
		w.slow++
	} else if w.fastest > 0 {
		w.slow = 0
	}
	switch {
	case w.fastest == 0: // nothing was seen
	case w.usual == 0 || w.fastest < w.usual:
		w.usual = w.fastest
	default: // the network may have changed
		w.usual += time.Duration(usualWeight * float64(w.fastest-w.usual))
	}
	switch {
	case w.refused || w.slow >= windowSlow:
		w.size = max(windowMin, windowShrink*min(w.size, float64(w.most)))
		w.slow = 0
	case w.full && w.slow == 0 && w.fastest > 0:
		w.size = min(float64(w.max), windowGrow*w.size+2)
	}
	w.fastest, w.late, w.refused, w.full, w.most = 0, 0, false, false, w.used
}

// admit lets those in who wait longest. Called with mu held.
func (w *window) admit() {
	for len(w.waiting) > 0 {
		t := w.waiting[0]
		if !t.givenUp && float64(w.used) >= w.size {
			return
		}
		w.waiting[0] = nil
		if w.waiting = w.waiting[1:]; !t.givenUp {
			w.take(t)
			t.call.signal()
		}
	}
	w.waiting = nil
}
