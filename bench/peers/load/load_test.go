package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a product in memory, whose answers may be spoilt.
type memory struct {
	mu       sync.Mutex // guards versions
	versions map[string]uint64
	spoil    func(c *memoryCaller, version uint64) uint64
	short    bool
	slow     time.Duration
	last     map[string]int // the generator that made the last request for a session
	index    int
	repeated *int // requests that came from the generator of the one before
}

type memoryCaller struct {
	m    *memory
	pool *Pool
}

func (m *memory) Create(_ context.Context, _ Shape, version uint64) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := fmt.Sprint(len(m.versions))
	m.versions[id] = version
	return id, nil
}

func (m *memory) Caller(p *Pool, _ Way) Caller { return &memoryCaller{m, p} }
func (m *memory) Home(id string) int           { return len(id) % 2 }
func (m *memory) Close() error                 { return nil }

func (c *memoryCaller) Browse(_ context.Context, session int) (uint64, error) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	version := c.m.versions[c.pool.IDs[session]]
	if c.m.spoil != nil {
		version = c.m.spoil(c, version)
	}
	return version, nil
}

func (c *memoryCaller) Cart(ctx context.Context, session int, next uint64) (uint64, error) {
	time.Sleep(c.m.slow)
	read, err := c.Browse(ctx, session)
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	id := c.pool.IDs[session]
	c.m.versions[id] = next
	if last, any := c.m.last[id]; any && last == c.m.index {
		*c.m.repeated++
	}
	c.m.last[id] = c.m.index
	if c.m.short {
		return read, ErrShort
	}
	return read, err
}

func (c *memoryCaller) Login(context.Context) error { return nil }

// pair is two generators in this process over one store.
func pair(t *testing.T, sessions int) (generators [2]*Generator, store *memory, repeated *int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "board")
	board, err := NewBoard(file, sessions)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sessions {
		board.Set(i, uint64(i))
	}
	repeated = new(int)
	store = &memory{versions: map[string]uint64{}, last: map[string]int{}, repeated: repeated}
	var ids []string
	for i := range generators {
		g := &Generator{OpenProduct: func(s Setup) (Product, error) { return &indexed{store, s.Index}, nil }}
		generators[i] = g
		check(t, g.Open(Setup{Index: i, Count: 2}, nil))
		check(t, g.OpenPool(NewPool{"p", file, Chatty}, nil))
	}
	check(t, generators[0].Create(Span{"p", 0, sessions}, &ids))
	for i, id := range ids { // created by many at a time, in no order
		store.versions[id] = uint64(i)
	}
	for _, g := range generators {
		check(t, g.Know(Known{"p", ids}, nil))
	}
	return generators, store, repeated
}

// indexed is a memory that knows which generator asks.
type indexed struct {
	*memory
	index int
}

func (x *indexed) Caller(p *Pool, _ Way) Caller {
	return &indexedCaller{memoryCaller{x.memory, p}, x.index}
}

type indexedCaller struct {
	memoryCaller
	index int
}

func (c *indexedCaller) Cart(ctx context.Context, session int, next uint64) (uint64, error) {
	c.m.mu.Lock()
	c.m.index = c.index // good enough with one caller at a time
	c.m.mu.Unlock()
	return c.memoryCaller.Cart(ctx, session, next)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runFor has a generator do a job until it has answered enough requests.
func runFor(t *testing.T, g *Generator, job Job, enough uint64) Counts {
	t.Helper()
	job.Pool = "p"
	check(t, g.Start(job, nil))
	deadline := time.Now().Add(10 * time.Second)
	counted := func() uint64 {
		m, b := g.run.now(), g.run.began
		return m.requests + m.failed + m.wrong - b.requests - b.failed - b.wrong
	}
	for counted() < enough && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	var c Counts
	check(t, g.Finish(Nothing{}, &c))
	return c
}

func TestGeneratorsAlternate(t *testing.T) {
	g, _, repeated := pair(t, 10)
	for i := range 6 {
		runFor(t, g[i%2], Job{Kind: KindCart, Turn: Alternate, Callers: 1}, 3)
	}
	if *repeated != 0 {
		t.Errorf("%d requests came from the generator that had made the one before", *repeated)
	}
	var wrong []string
	check(t, g[0].Verify(Span{"p", 0, 10}, &wrong))
	if len(wrong) > 0 {
		t.Errorf("sessions are wrong: %v", wrong)
	}
}

func TestStickyGeneratorsDoNotShare(t *testing.T) {
	g, store, _ := pair(t, 10)
	runFor(t, g[0], Job{Kind: KindCart, Turn: Sticky, Callers: 2}, 50)
	changed := 0
	for i, id := range g[0].pools["p"].IDs {
		if store.versions[id] != uint64(i) {
			changed++
		}
	}
	if changed != 5 {
		t.Errorf("the first of two generators changed %d of 10 sessions", changed)
	}
}

func TestStaleReadIsWrong(t *testing.T) {
	g, store, _ := pair(t, 10)
	store.spoil = func(_ *memoryCaller, version uint64) uint64 { return version - 1 }
	c := runFor(t, g[0], Job{Kind: KindCart, Turn: Alternate, Callers: 1}, 2)
	if c.Wrong == 0 || c.Requests != 0 {
		t.Errorf("of stale reads %d were wrong and %d counted as answered", c.Wrong, c.Requests)
	}
	var wrong []string
	check(t, g[0].Verify(Span{"p", 0, 10}, &wrong))
	if len(wrong) == 0 {
		t.Error("Verify found nothing")
	}
}

func TestTooFewCopiesDoNotCount(t *testing.T) {
	g, store, _ := pair(t, 10)
	store.short = true
	c := runFor(t, g[0], Job{Kind: KindCart, Turn: Sticky, Callers: 1}, 4)
	if c.Requests != 0 || c.Failed < 4 || c.Wrong != 0 {
		t.Errorf("answered %d, failed %d, wrong %d; want only failures", c.Requests, c.Failed, c.Wrong)
	}
}

// TestOpenLoopCountsTheWait: a caller that is slower than the rate makes requests wait, which is part of their latency.
func TestOpenLoopCountsTheWait(t *testing.T) {
	g, store, _ := pair(t, 1000)
	store.slow = 2 * time.Millisecond
	c := runFor(t, g[0], Job{Kind: KindCart, Turn: Sticky, Callers: 1, Rate: 5000}, 30)
	if longest := c.Percentile(100); longest < 20*time.Millisecond {
		t.Errorf("after 30 requests of 2 ms, due every 0.2 ms, the longest latency is %v", longest)
	}
}

func TestOneJobAtATime(t *testing.T) {
	g, _, _ := pair(t, 10)
	check(t, g[0].Start(Job{Kind: KindLogin, Pool: "p", Callers: 1}, nil))
	if err := g[0].Start(Job{Kind: KindLogin, Pool: "p", Callers: 1}, nil); err == nil {
		t.Error("a second job was started")
	}
	check(t, g[0].Finish(Nothing{}, new(Counts)))
}

func TestNoSessionOfItsOwn(t *testing.T) {
	g, _, _ := pair(t, 5)
	err := g[0].Start(Job{Kind: KindCart, Turn: Routed, Pool: "p", Callers: 1}, nil) // all ids have one digit: home is 1
	if err == nil || !strings.Contains(err.Error(), "no session") {
		t.Errorf("got %v", err)
	}
}

func TestMergeAndJoin(t *testing.T) {
	of := func(took time.Duration, n int) Counts {
		tl := &tally{latency: newHistogram()}
		for range n {
			tl.count(0, took)
		}
		return Counts{Requests: uint64(n), Seconds: 1, Latency: tl.latency.Export()}
	}
	a, b := of(time.Millisecond, 98), of(time.Second, 2)
	for name, c := range map[string]Counts{"merge": Merge(a, b), "join": Join(a, b)} {
		if c.Requests != 100 || c.Percentile(50) > 1100*time.Microsecond || c.Percentile(99) < 900*time.Millisecond {
			t.Errorf("%s: %d requests, p50 %v, p99 %v", name, c.Requests, c.Percentile(50), c.Percentile(99))
		}
	}
	if m, j := Merge(a, b).Seconds, Join(a, b).Seconds; m != 1 || j != 2 {
		t.Errorf("merged span %v, want 1; joined %v, want 2", m, j)
	}
}

func TestTallyForgetsWhatWasBeforeTheMark(t *testing.T) {
	tl := &tally{latency: newHistogram()}
	tl.count(0, time.Second)
	tl.count(1, time.Millisecond)
	if got := tl.latency.TotalCount(); got != 1 {
		t.Errorf("%d latencies are kept, want 1", got)
	}
}

func TestShapeAddsUp(t *testing.T) {
	for _, s := range []Shape{Cart, Chatty} {
		sum := len(s.Value(7))
		for i := 1; i < s.Attributes; i++ {
			sum += len(s.Fill(i))
		}
		if sum > s.Bytes || sum < s.Bytes-s.Attributes {
			t.Errorf("%+v has %d bytes", s, sum)
		}
		if v, err := Version(s.Value(7)); v != 7 || err != nil {
			t.Errorf("version %d, %v", v, err)
		}
	}
	if _, err := Version([]byte("short")); !errors.Is(err, ErrWrong) {
		t.Errorf("got %v", err)
	}
}

// A generator whose sessions are nearly all with the others must not look through all of them for each request.
func TestAClaimLooksAtFew(t *testing.T) {
	board, err := NewBoard(filepath.Join(t.TempDir(), "board"), 10_000)
	if err != nil {
		t.Fatal(err)
	}
	defer board.Close()
	pool := &Pool{Board: board, IDs: make([]string, 10_000)}
	r := newRota(pool, Alternate, 1, 2, nil)
	for i := range 10_000 {
		board.Set(i, uint64(i))
	}
	own := 0
	for _, _, ok := r.claim(); ok; _, _, ok = r.claim() {
		own++
	}
	if own != 5_000 {
		t.Errorf("%d of 10,000 sessions are a generator's own at first, want half", own)
	}
	before := r.cursor.Load()
	if _, _, ok := r.claim(); ok {
		t.Error("a session of the other generator was claimed")
	}
	if looked := r.cursor.Load() - before; looked > lookMax {
		t.Errorf("%d sessions were looked at, at most %d may be", looked, lookMax)
	}
}
