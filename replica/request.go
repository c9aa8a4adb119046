package replica

import (
	"cmp"
	"slices"
)

// requestLog remembers which requests took effect, so that a retry does not do so again. It is replicated with the
// entries themselves.
type requestLog struct {
	byID map[RequestID]*remembered
	// bySecond lists ids by the second of the day-time clock at which they may be forgotten.
	bySecond map[int64][]RequestID
	swept    int64 // seconds before it have been forgotten
}

// remembered is a request with the entry that it became; zero when that came with a snapshot.
type remembered struct {
	RememberedRequest
	seq uint64
}

func newRequestLog() requestLog {
	return requestLog{byID: map[RequestID]*remembered{}, bySecond: map[int64][]RequestID{}}
}

func (l *requestLog) find(id RequestID) *remembered {
	if id.IsZero() {
		return nil
	}
	return l.byID[id]
}

// remember keeps r until its not-after time and the clock skew, in milliseconds, have passed.
func (l *requestLog) remember(r remembered, skew int64) {
	if r.Request.IsZero() || l.byID[r.Request] != nil {
		return
	}
	l.byID[r.Request] = &r
	second := (r.NotAfter+2*skew)/1000 + 1
	l.bySecond[second] = append(l.bySecond[second], r.Request)
	if l.swept == 0 || second < l.swept {
		l.swept = second
	}
}

func (l *requestLog) forget(id RequestID) { delete(l.byID, id) }

// sweep forgets what is over at the given time of day, in milliseconds.
func (l *requestLog) sweep(wall int64) {
	if len(l.bySecond) == 0 {
		return
	}
	for ; l.swept < wall/1000; l.swept++ {
		for _, id := range l.bySecond[l.swept] {
			delete(l.byID, id)
		}
		delete(l.bySecond, l.swept)
		if len(l.bySecond) == 0 {
			l.swept = 0
			return
		}
	}
}

// all lists what is remembered, in the order of ids.
func (l *requestLog) all() []RememberedRequest {
	list := make([]RememberedRequest, 0, len(l.byID))
	for _, r := range l.byID {
		list = append(list, r.RememberedRequest)
	}
	slices.SortFunc(list, func(a, b RememberedRequest) int {
		return cmp.Or(cmp.Compare(a.Request.Client, b.Request.Client), cmp.Compare(a.Request.Seq, b.Request.Seq))
	})
	return list
}
