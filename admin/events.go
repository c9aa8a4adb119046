package admin

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// streamsMax bounds the streams of events.
	streamsMax = 16
	// streamEvery is how often a stream tells what has changed, streamGap how soon it may do so again when something happened.
	streamEvery = time.Second
	streamGap   = 100 * time.Millisecond
	// streamPatience is how long a reader may take to read what was sent: a slower one is dropped. What is sent is made when it
	// is sent, so that a stream holds one message and no queue.
	streamPatience = 5 * time.Second
)

// streams answers /events: server-sent events that carry the parts of the page whenever they have changed, at most once a
// second, and what happens as it does.
type streams struct {
	node Teller
	free chan struct{} // holds one for each stream
	run  string        // begins the ids of this listener's events: numbers start anew with it
}

func newStreams(node Teller) *streams {
	return &streams{node: node, free: make(chan struct{}, streamsMax), run: rand.Text()[:8]}
}

// ServeHTTP implements http.Handler.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case s.free <- struct{}{}:
		defer func() { <-s.free }()
	default:
		refuse(w, fmt.Sprintf("%d streams are open, which is all there may be: close another page", streamsMax))
		return
	}
	woken, stop, err := s.node.Wake()
	if err != nil {
		refuse(w, err.Error())
		return
	}
	defer stop()
	out := http.NewResponseController(w)
	if out.SetWriteDeadline(time.Now().Add(streamPatience)) != nil { // whoever wraps the writer must pass this on
		http.Error(w, "this connection cannot carry a stream", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	st := &stream{node: s.node, run: s.run, sent: map[string]json.RawMessage{}, last: s.resume(r)}
	tick := time.NewTicker(streamEvery)
	defer tick.Stop()
	for {
		if out.SetWriteDeadline(time.Now().Add(streamPatience)) != nil {
			return
		}
		if _, err := w.Write(st.news()); err != nil || out.Flush() != nil {
			return
		}
		if !rest(r, streamGap) {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-woken:
		case <-tick.C:
		}
	}
}

// rest waits for as long; false: the reader is gone.
func rest(r *http.Request, d time.Duration) bool {
	select {
	case <-r.Context().Done():
		return false
	case <-time.After(d):
		return true
	}
}

func refuse(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, why, http.StatusServiceUnavailable)
}

// resume is the number of the last event that a reader had who comes back; zero for a new one.
func (s *streams) resume(r *http.Request) uint64 {
	number, ours := strings.CutPrefix(r.Header.Get("Last-Event-ID"), s.run+".")
	last, err := strconv.ParseUint(number, 10, 64)
	if !ours || err != nil {
		return 0
	}
	return last
}

// stream is what one reader was sent.
type stream struct {
	node Teller
	run  string
	sent map[string]json.RawMessage
	last uint64
}

// news is what has changed since the last time; a comment if nothing has, so that a reader that is gone is noticed.
func (s *stream) news() []byte {
	var b bytes.Buffer
	parts := s.node.Console()
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if !bytes.Equal(parts[name], s.sent[name]) {
			fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, parts[name])
			s.sent[name] = parts[name]
		}
	}
	events, last := s.node.Happened(s.last)
	s.last = last
	for _, e := range events {
		fmt.Fprintf(&b, "id: %s.%d\nevent: happened\ndata: %s\n\n", s.run, last, e)
	}
	if b.Len() == 0 {
		b.WriteString(":\n\n")
	}
	return b.Bytes()
}
