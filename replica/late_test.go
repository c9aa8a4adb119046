package replica

import (
	"testing"
	"time"
)

// What nobody waits for any more is refused, a moment after the time that it names as clocks differ.
func TestLateRequestsAreNotWorkedOn(t *testing.T) {
	r := newRig(t, 0, nil)
	r.must(create("s"))
	limits := r.cfg.Limits
	at := r.now.Wall - limits.ClockSkewMax.Milliseconds() // the last moment at which it is taken
	id := uint64(0)
	for name, request := range map[string]func(notAfter int64) *Request{
		"load":   func(n int64) *Request { return &Request{Load: &Load{Key: key("s"), NotAfter: n}} },
		"peek":   func(n int64) *Request { return &Request{Load: &Load{Key: key("s"), Peek: true, NotAfter: n}} },
		"list":   func(n int64) *Request { return &Request{List: &List{App: testApp, NotAfter: n}} },
		"commit": func(n int64) *Request { return &Request{Commit: &Commit{Key: key("s"), NotAfter: n}} },
		"lock": func(n int64) *Request {
			id++
			return &Request{Lock: &Lock{Key: key("s"), Lease: time.Second, Request: RequestID{1, id}, NotAfter: n}}
		},
	} {
		for _, tt := range []struct {
			notAfter int64
			late     bool
		}{{at, false}, {at - 1, true}} {
			m, fx := request(tt.notAfter), &Effects{}
			r.primary().Request(r.now, 1, m, fx)
			refused := len(fx.Done) == 1 && fx.Done[0].Result.Status == StatusTooLate
			if refused != tt.late || m.Late(r.now, &limits) != tt.late {
				t.Errorf("%s until %d: refused %v, late %v, want %v", name, tt.notAfter-at, refused, m.Late(r.now, &limits), tt.late)
			}
		}
	}
	back := &Request{Lock: &Lock{Key: key("s"), Held: Stamp{1, 1}, Release: true, NotAfter: 1}}
	if back.Late(r.now, &limits) {
		t.Error("a lock that is given back is too late")
	}
}
