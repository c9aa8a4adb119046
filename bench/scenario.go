package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/sessnode/sessnode/client"
)

// Scenario is something that happens to a cluster, and what is measured meanwhile.
type Scenario struct {
	Name  string // on the command line
	Title string
	Text  string // what happens, for a reader of the figures

	nodes, spare int // that found the cluster, and that may join it
	run          func(ctx context.Context, s *stage) error
}

// Scenarios are all of them, in the order of the report.
func Scenarios() []Scenario {
	return []Scenario{death(), restore(), erode(), join(), handoff(), pause(), rolling(), overload()}
}

// Options say how scenarios are run. The zero value will do.
type Options struct {
	Binary string                           // the sessnode whose nodes are measured; default this process's own
	From   string                           // for the scenario rolling: the sessnode whose nodes there are at first; default Binary
	Serve  []string                         // further flags of every node; the default settings without
	Dir    string                           // for logs and state, which stay there; default a temporary directory
	Say    func(format string, args ...any) // is told what happens, a line at a time
}

// stage is what a scenario plays on.
type stage struct {
	*cluster
	Options
	result *Result
	slots  int
	client *client.Client // the load's
	load   *load
	watch  *watch
}

// Run starts a cluster, lets the scenario happen to it and returns the figures. Every process that it started is dead when
// it returns. The error says why there are no figures; missed targets are none.
func Run(ctx context.Context, sc Scenario, opt Options) (res Result, err error) {
	if opt.Say == nil {
		opt.Say = func(string, ...any) {}
	}
	dir, remove, err := opt.place(sc)
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	c, err := layOut(opt, dir, sc.nodes+sc.spare, sc.nodes)
	if err != nil {
		return res, err
	}
	defer c.end()
	res = Result{Scenario: sc.Name, Began: time.Now(), Machine: machine()}
	used := usedUntilNow()
	opt.Say("%s: starting %d nodes", sc.Name, sc.nodes)
	if err = c.begin(ctx, sc.nodes); err == nil {
		err = (&stage{cluster: c, Options: opt, result: &res}).play(ctx, sc)
	}
	if err != nil && ctx.Err() == nil {
		for _, m := range c.members {
			opt.Say("--- the end of %s's log\n%s", m.Name, m.LogTail())
		}
	}
	c.end()
	res.Seconds = seconds(time.Since(res.Began))
	res.Busy = usedUntilNow().since(used, time.Since(res.Began))
	return res, err
}

// place is the directory of one run, which must be new: members remembered from an earlier run have other ports. remove
// removes a temporary one.
func (o Options) place(sc Scenario) (dir string, remove func() error, err error) {
	if o.Dir == "" {
		dir, err = os.MkdirTemp("", "sessnode-bench-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	dir = filepath.Join(o.Dir, sc.Name+time.Now().Format("-20060102-150405"))
	return dir, func() error { return nil }, os.MkdirAll(dir, 0o700)
}

// machine is what the figures depend on most.
func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// play runs the scenario between a watch and a client that are its own.
func (s *stage) play(ctx context.Context, sc Scenario) error {
	first, err := s.ask(ctx, s.members[0])
	if err != nil {
		return err
	}
	s.slots = first.Slots.Total
	one, err := perSlot(s.slots, 1, every)
	if err != nil {
		return err
	}
	ids := make([]string, s.slots)
	for _, o := range one {
		ids[o.slot] = o.id
	}
	s.watch = newWatch(s.control, ids)
	defer s.watch.stop()
	if s.client, err = s.dial(ctx, client.Config{}); err != nil {
		return err
	}
	defer s.client.Close()
	return sc.run(ctx, s)
}

// fillSlots makes count sessions in each of the wanted slots.
func (s *stage) fillSlots(ctx context.Context, wanted func(slot uint32) bool, count, bytes int) error {
	sessions, err := perSlot(s.slots, count, wanted)
	if err != nil {
		return err
	}
	return s.fill(ctx, sessions, bytes)
}

// fillAnywhere makes count sessions wherever chance puts them.
func (s *stage) fillAnywhere(ctx context.Context, count, bytes int) error {
	sessions := make([]*session, count)
	for i := range sessions {
		var err error
		if sessions[i], err = newSession(s.slots); err != nil {
			return err
		}
	}
	return s.fill(ctx, sessions, bytes)
}

// fill makes sessions exist, with bytes of ballast each, and the load use them.
func (s *stage) fill(ctx context.Context, sessions []*session, bytes int) error {
	s.Say("creating %d sessions", len(sessions))
	s.load = &load{store: s.client, sessions: sessions}
	return s.load.create(ctx, bytes, s.Say)
}

// drive runs the load beside what happens; stop ends it and waits for the last answer.
func (s *stage) drive(ctx context.Context, rate int) (stop func()) {
	s.Say("%d requests per second, each a read and a commit", rate)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // stop joins it
		defer close(done)
		s.load.run(ctx, rate)
	}()
	return func() {
		cancel()
		<-done
	}
}

// warmUp drives the load for a while and shows what requests take before anything happens.
func (s *stage) warmUp(ctx context.Context, rate int) (stop func(), err error) {
	stop = s.drive(ctx, rate)
	quiet := time.Now()
	if err := wait(ctx, deathWindow); err != nil {
		stop()
		return nil, err
	}
	s.baseline(quiet)
	return stop, nil
}

// settle stops the load, reads everything once more, and judges what went wrong on the way.
func (s *stage) settle(ctx context.Context, stop func()) error {
	stop()
	s.Say("reading every session once more")
	if err := s.load.verify(ctx); err != nil {
		return err
	}
	s.load.judge(s.result)
	return nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// latencies shows percentiles of all requests due since a moment.
func (s *stage) latencies(what string, since time.Time) {
	took := tookBetween(s.load.answered(), since, time.Now(), every)
	s.result.show("latency "+what+", median", ms(percentile(took, 0.5)), "ms")
	s.result.show("latency "+what+", p99", ms(percentile(took, 0.99)), "ms")
	s.result.show("latency "+what+", longest", ms(last(took)), "ms")
}

// baseline shows percentiles of the requests since a moment, before anything happens.
func (s *stage) baseline(since time.Time) {
	took := tookBetween(s.load.answered(), since, time.Now(), every)
	s.result.show("latency before, median", ms(percentile(took, 0.5)), "ms")
	s.result.show("latency before, p99", ms(percentile(took, 0.99)), "ms")
}

// spread adds the median and the worst of durations with their limits.
func (r *Result) spread(what string, all []time.Duration, median, worst time.Duration) {
	slices.Sort(all)
	r.under(what+", median", judged(all, 0.5), "ms", ms(median))
	if worst > 0 {
		r.under(what+", worst", judged(all, 1), "ms", ms(worst))
	} else {
		r.show(what+", worst", ms(last(all)), "ms")
	}
}
