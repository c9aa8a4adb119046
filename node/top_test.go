package node

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

func loadOf(id string) *replica.Request {
	return &replica.Request{Load: &replica.Load{Key: replica.Key{App: "shop", ID: id}}}
}

// At a low rate every request is counted, and the whole id is nowhere to be seen.
func TestTopCountsFewExactly(t *testing.T) {
	top := newTop(0)
	for i := range 100 {
		now := time.Duration(i) * 50 * time.Millisecond
		top.request(now, loadOf("aaaaaa.0123456789"))
		if i%2 == 0 {
			top.request(now, loadOf("bbbbbb.0123456789"))
		}
	}
	seconds, rate, got := top.sessions(5*time.Second, 64)
	if seconds != 5 || rate != 30 || len(got) != 2 {
		t.Fatalf("%v requests a second in %v s of %+v", rate, seconds, got)
	}
	if a := got[0]; a.Session != "aaaaaa.0…" || a.App != "shop" || a.Rate != 20 || a.Least != 20 {
		t.Errorf("first is %+v", a)
	}
	if b := got[1]; b.Session != "bbbbbb.0…" || b.Rate != 10 {
		t.Errorf("second is %+v", b)
	}
}

// Among very many sessions the busy ones are found, though not each is remembered and not each request is looked at.
func TestTopFindsTheBusyAmongMany(t *testing.T) {
	top := newTop(0)
	random := rand.New(rand.NewPCG(1, 2))
	const perSecond = 20000
	for i := range 12 * perSecond {
		id := fmt.Sprintf("%06d.others", random.IntN(100_000))
		if i%10 == 0 {
			id = fmt.Sprintf("busy%02d.xxxxxx", i/10%5)
		}
		top.request(time.Duration(i)*time.Second/perSecond, loadOf(id))
	}
	_, rate, got := top.sessions(12*time.Second, 64)
	if rate < 0.9*perSecond || rate > 1.1*perSecond {
		t.Errorf("%v requests a second, want about %d", rate, perSecond)
	}
	if len(got) != topShown {
		t.Fatalf("%d sessions are shown, want %d", len(got), topShown)
	}
	for _, s := range got[:5] {
		if s.Session[:4] != "busy" || s.Least > 500 || s.Rate < 250 || s.Rate > 800 {
			t.Errorf("among the first five, with 400 requests a second each: %+v", s)
		}
	}
}

// However many sessions there are, no count is too low, and what is certain of it is not too high.
func TestRankingBounds(t *testing.T) {
	var r ranking
	random := rand.New(rand.NewPCG(3, 4))
	truth, sum := map[replica.Key]int{}, 0
	for range 20_000 {
		n := uint64(min(random.IntN(1000), random.IntN(1000)))
		key := replica.Key{App: "shop", ID: fmt.Sprint(n)}
		truth[key]++
		r.add(n, key, 1)
	}
	for _, e := range r.entries {
		if e.count < truth[e.key] || e.count-e.over > truth[e.key] {
			t.Errorf("%s: between %d and %d are counted, there were %d", e.key.ID, e.count-e.over, e.count, truth[e.key])
		}
		sum += e.count
	}
	if sum != 20_000 {
		t.Errorf("%d are counted in all", sum)
	}
}

// Above 2,000 requests a second one of sixteen is looked at, and each again when there are few.
func TestTopLooksAtFewOfMany(t *testing.T) {
	top := newTop(0)
	looked := 0
	for i := range 10_000 {
		if top.skip == 0 {
			looked++
		}
		top.request(time.Duration(i)*200*time.Microsecond, loadOf("aaaaaa.0123456789"))
	}
	if looked < 5000 || looked > 6000 { // all of the first second, then one of sixteen
		t.Errorf("of 10,000 requests in two seconds %d were looked at", looked)
	}
	for i := range 100 {
		top.request(3*time.Second+time.Duration(i)*100*time.Millisecond, loadOf("aaaaaa.0123456789"))
	}
	if top.weight != 1 {
		t.Errorf("at ten requests a second each stands for %d", top.weight)
	}
}

// What was long ago does not count any more.
func TestTopForgets(t *testing.T) {
	top := newTop(0)
	for i := range 100 {
		top.request(time.Duration(i)*time.Millisecond, loadOf("aaaaaa.0123456789"))
	}
	top.request(15*time.Second, loadOf("bbbbbb.0123456789"))
	if _, _, got := top.sessions(16*time.Second, 64); len(got) != 2 {
		t.Errorf("after 16 s: %+v, want both", got)
	}
	if _, _, got := top.sessions(28*time.Second, 64); len(got) != 1 {
		t.Errorf("after 28 s: %+v, want the second alone", got)
	}
	if _, rate, got := top.sessions(90*time.Second, 64); len(got) != 0 || rate != 0 {
		t.Errorf("after 90 s: %+v, want none", got)
	}
}

// The first request after a rest does not count as if it had been the only second.
func TestTopAfterARest(t *testing.T) {
	top := newTop(0)
	for i := range 6 {
		top.request(time.Minute+time.Duration(i)*time.Millisecond, loadOf("aaaaaa.0123456789"))
	}
	seconds, rate, got := top.sessions(time.Minute+time.Second, 64)
	if seconds != 11 || rate > 0.6 || len(got) != 1 || got[0].Rate > 0.6 {
		t.Errorf("over %v s: %v a second, %+v; want 6 in 11 s", seconds, rate, got)
	}
}

// BenchmarkTop is what one request costs among many.
func BenchmarkTop(b *testing.B) {
	top := newTop(0)
	var requests [4096]*replica.Request
	for i := range requests {
		requests[i] = loadOf(fmt.Sprintf("%06d.others", i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		top.request(time.Duration(i)*10*time.Microsecond, requests[i%len(requests)])
	}
}
