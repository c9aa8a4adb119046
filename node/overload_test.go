package node

import (
	"testing"
	"time"
)

// busy drives looks at a node in which two of three waits are as long as given.
func busy(o *overload, looks int, turn, commit time.Duration) {
	for range looks {
		for _, part := range []time.Duration{1, 1, 0} {
			o.turned(turn * part)
			o.committed(commit*part, LeaseDefault)
		}
		o.look(o.looked + lookEvery)
	}
}

func refused(o *overload, of int) (count int) {
	for range of {
		if o.refuses() {
			count++
		}
	}
	return count
}

func TestRefusesWhenWorkStandsInAQueue(t *testing.T) {
	for name, d := range map[string]struct{ turn, commit time.Duration }{
		"turns": {turnSlow, 0}, "commits": {0, LeaseDefault / 2},
	} {
		t.Run(name, func(t *testing.T) {
			o := &overload{}
			busy(o, 50, d.turn, d.commit)
			if n := refused(o, 1000); n != 0 {
				t.Errorf("%d of 1000 refused at the limit", n)
			}
			if d.turn > 0 {
				d.turn++
			} else {
				d.commit++
			}
			busy(o, slowLooks-1, d.turn, d.commit)
			if n := refused(o, 1000); n != 0 {
				t.Errorf("%d of 1000 refused after %d looks past the limit", n, slowLooks-1)
			}
			busy(o, 1, d.turn, d.commit)
			if n := refused(o, 1000); n < 99 || n > 101 {
				t.Errorf("%d of 1000 refused after %d looks past the limit, want a tenth", n, slowLooks)
			}
			first := o.refusal("").RetryAfter
			busy(o, 50, d.turn, d.commit)
			if n := refused(o, 1000); n < 949 || n > 951 {
				t.Errorf("%d of 1000 refused after a long time, want %v of them", n, refuseMax)
			}
			if last := o.refusal("").RetryAfter; last <= first || last > 10*retryAfter+1 {
				t.Errorf("to stay away for %v first, %v later", first, last)
			}
			busy(o, 20, 0, 0)
			if n := refused(o, 1000); n != 0 {
				t.Errorf("%d of 1000 refused when it was over", n)
			}
		})
	}
}
