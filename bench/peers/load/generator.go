package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"
)

// Setup is what a generator needs to know before it makes requests.
type Setup struct {
	Product string   // what keeps the sessions
	Addrs   []string // of its servers
	Listen  string   // of the node in the generator's own process
	Name    string   // of that node
	Backups int      // of that node; zero: its default; negative: none
	Index   int      // of this generator
	Count   int      // of all generators
}

// Generator answers the one who measures, over net/rpc. Its methods are called one at a time.
type Generator struct {
	// OpenProduct makes the product of a setup.
	OpenProduct func(Setup) (Product, error)

	setup   Setup
	product Product
	pools   map[string]*Pool
	run     *run
	profile *os.File // of the job that is being done; nil: none
}

// Nothing is an argument or an answer without content.
type Nothing struct{}

// Open makes the product.
func (g *Generator) Open(s Setup, _ *Nothing) (err error) {
	g.setup, g.pools = s, map[string]*Pool{}
	g.product, err = g.OpenProduct(s)
	return err
}

// NewPool says where the board of a pool is.
type NewPool struct {
	Name, Board string
	Shape       Shape
}

// OpenPool is to be called before Create and Start for a pool.
func (g *Generator) OpenPool(n NewPool, _ *Nothing) error {
	board, err := OpenBoard(n.Board)
	g.pools[n.Name] = &Pool{Shape: n.Shape, Board: board}
	return err
}

// createCallers make sessions at the same time: few, for servers that have not warmed up.
const createCallers = 8

// createTries is how often making a session is tried, each time another one, before the generator gives up.
const createTries = 3

// Span is sessions [From, To) of a pool.
type Span struct {
	Pool     string
	From, To int
}

// Create makes sessions with the versions of the board and answers their ids.
func (g *Generator) Create(span Span, ids *[]string) error {
	pool, made := g.pools[span.Pool], make([]string, span.To-span.From)
	err := forAll(len(made), func(ctx context.Context, i int) error {
		version, _ := pool.Board.Version(span.From + i)
		var err error
		for range createTries {
			made[i], err = g.product.Create(ctx, pool.Shape, version)
			if err == nil || errors.Is(err, ErrShort) { // it exists; Verify and the copies' count come later
				return nil
			}
		}
		return err
	})
	*ids = made
	return err
}

// forAll does something for each of count things, many at a time, until the first error.
func forAll(count int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var next atomic.Int64
	var under sync.WaitGroup
	for range createCallers {
		under.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	under.Wait()
	return context.Cause(ctx)
}

// Known is the ids of all sessions of a pool, by their number.
type Known struct {
	Pool string
	IDs  []string
}

// Know is to be called before Start for a pool.
func (g *Generator) Know(k Known, _ *Nothing) error {
	g.pools[k.Pool].IDs = k.IDs
	return nil
}

// Start has a job done until Finish.
func (g *Generator) Start(job Job, _ *Nothing) (err error) {
	if g.run != nil {
		return errors.New("a job is being done")
	}
	if job.Profile != "" {
		if g.profile, err = os.Create(fmt.Sprintf("%s-%d.pprof", job.Profile, g.setup.Index+1)); err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(g.profile); err != nil {
			return err
		}
	}
	pool := g.pools[job.Pool]
	rota := newRota(pool, job.Turn, g.setup.Index, g.setup.Count, g.product.Home)
	g.run, err = start(job, rota, pool, g.product)
	return err
}

// Mark forgets what was counted since Start.
func (g *Generator) Mark(Nothing, *Nothing) error {
	g.run.mark()
	return nil
}

// Finish ends the job.
func (g *Generator) Finish(_ Nothing, c *Counts) error {
	*c = g.run.finish()
	g.run = nil
	if g.profile == nil {
		return nil
	}
	pprof.StopCPUProfile()
	heap, err := os.Create(g.profile.Name() + ".heap")
	if err == nil {
		err = errors.Join(pprof.WriteHeapProfile(heap), heap.Close())
	}
	err = errors.Join(err, g.profile.Close())
	g.profile = nil
	return err
}

// Verify reads the sessions of a span and compares them with the board.
func (g *Generator) Verify(span Span, wrong *[]string) error {
	var mu sync.Mutex
	pool := g.pools[span.Pool]
	return forAll(span.To-span.From, func(ctx context.Context, i int) error {
		session := span.From + i
		want, certain := pool.Board.Version(session)
		read, err := g.product.Caller(pool, Way{ToHome: true}).Browse(ctx, session)
		if err = checked(session, read, want, certain, err); err != nil {
			mu.Lock()
			defer mu.Unlock()
			*wrong = append(*wrong, err.Error())
		}
		return nil
	})
}

// Reading says how a pool is read.
type Reading struct {
	Pool string
	Way  Way
}

// Warm reads all sessions of a pool once, wrongly or not: that is for Verify to say. A session that cannot be read is tried again:
// Tomcat answers some with 500 while all of them move at once.
func (g *Generator) Warm(r Reading, _ *Nothing) error {
	pool := g.pools[r.Pool]
	return forAll(len(pool.IDs), func(ctx context.Context, i int) error {
		caller := g.product.Caller(pool, r.Way)
		_, err := caller.Browse(ctx, i)
		for n := 1; err != nil && n < warmTries; n++ {
			time.Sleep(warmPause)
			_, err = caller.Browse(ctx, i)
		}
		return err
	})
}

// How often Warm tries to read a session, and what it leaves between.
const (
	warmTries = 10
	warmPause = 100 * time.Millisecond
)

// Memory is what a process of Go knows of its memory.
type Memory struct {
	LiveBytes uint64 // on the heap after a collection
}

// Memory collects garbage and measures.
func (g *Generator) Memory(_ Nothing, m *Memory) error {
	runtime.GC()
	runtime.GC() // what the first one's finalizers and pools let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m.LiveBytes = stats.HeapAlloc
	return nil
}

// Close ends the product.
func (g *Generator) Close(Nothing, *Nothing) error {
	if g.product == nil {
		return fmt.Errorf("no product is open")
	}
	return g.product.Close()
}
