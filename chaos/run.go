package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/check"
	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/chaos/lab"
	"github.com/sessnode/sessnode/client"
)

// Networks of [Options].
const (
	NetworkAuto       = "auto"       // namespaces where they are possible, else the switch
	NetworkNamespaces = "namespaces" // needs Linux and root
	NetworkSwitch     = "switch"
)

// Limits and defaults of a run.
const (
	nodesDefault   = 5
	nodesMin       = 2
	nodesMax       = 20
	clientsDefault = 4
	clientsMax     = 20
	lengthDefault  = time.Minute
	rateDefault    = 150.0
	rateMax        = 5000.0
	copies         = 2               // of a session with default settings
	memoryBytes    = 1 << 30         // of the history
	quiet          = 5 * time.Minute // bounds what follows the load
	lateMax        = 30 * time.Second
)

// ErrOptions means that a run cannot be meant so.
var ErrOptions = errors.New("bad options")

// Options say how to run. The zero value will do, but for the directory.
type Options struct {
	Dir      string        // for history, verdicts and report; made if it is not there
	Binary   string        // the sessnode whose nodes are broken; default this process's own
	Version  string        // of it, for the report
	Nodes    int           // default 5
	Clients  int           // default 4
	Length   time.Duration // of the load; default 1 min
	Rate     float64       // actions per second; default 150
	Seed     uint64        // of the schedule, if there is none, and of what clients do
	Schedule Schedule      // default: drawn from the seed. An empty one that is not nil has no faults.
	Network  string        // default NetworkAuto
	Limits   check.Limits
	Say      func(format string, args ...any) // is told what happens, a line at a time; from one goroutine at a time

	// Watch is told how far the run has got, about every second and when a phase begins; never beside Say.
	Watch func(Progress)

	wrap func(client string, s store) store // for tests
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		value *int
		or    int
	}{{&o.Nodes, nodesDefault}, {&o.Clients, clientsDefault}} {
		if *d.value == 0 {
			*d.value = d.or
		}
	}
	if o.Length == 0 {
		o.Length = lengthDefault
	}
	if o.Rate == 0 {
		o.Rate = rateDefault
	}
	if o.Network == "" {
		o.Network = NetworkAuto
	}
	say := o.Say
	if say == nil {
		say = func(string, ...any) {}
	}
	watch := o.Watch
	if watch == nil {
		watch = func(Progress) {}
	}
	var one sync.Mutex
	o.Say = func(format string, args ...any) {
		one.Lock()
		defer one.Unlock()
		say(format, args...)
	}
	o.Watch = func(now Progress) {
		one.Lock()
		defer one.Unlock()
		watch(now)
	}
	if o.wrap == nil {
		o.wrap = func(_ string, s store) store { return s }
	}
	return o
}

// Validate reports what cannot be meant, as ErrOptions or ErrSchedule.
func (o Options) Validate() error {
	o = o.withDefaults()
	switch {
	case o.Dir == "":
		return fmt.Errorf("%w: no directory for the results", ErrOptions)
	case o.Nodes < nodesMin || o.Nodes > nodesMax:
		return fmt.Errorf("%w: %d nodes: choose %d to %d", ErrOptions, o.Nodes, nodesMin, nodesMax)
	case o.Clients < 1 || o.Clients > clientsMax:
		return fmt.Errorf("%w: %d clients: choose 1 to %d", ErrOptions, o.Clients, clientsMax)
	case o.Length < time.Second || o.Length > timeMax:
		return fmt.Errorf("%w: a load of %v: choose 1s to %v", ErrOptions, o.Length, timeMax)
	case !(o.Rate > 0 && o.Rate <= rateMax):
		return fmt.Errorf("%w: %v actions per second: choose up to %v", ErrOptions, o.Rate, rateMax)
	case o.Network != NetworkAuto && o.Network != NetworkNamespaces && o.Network != NetworkSwitch:
		return fmt.Errorf("%w: network %q: choose %s, %s or %s", ErrOptions, o.Network, NetworkAuto, NetworkNamespaces, NetworkSwitch)
	}
	if err := o.Limits.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	return o.Schedule.Validate(o.Nodes, o.Clients)
}

// Run breaks a cluster and judges what its clients saw. When ctx is done the load ends early, and what there is is judged;
// then Result.Early says so. A violation is no error. The error says why there is nothing to judge, what could not be saved, or,
// as ErrNotWhole, that the nodes did not find together again; beside the latter two there is a result. ErrHung: it took longer
// than the load, half of it, and 15 min.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	if o.Schedule == nil {
		o.Schedule = Draw(o.Seed, o.Nodes, o.Clients, o.Length)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	p := newPulse(o.Watch)
	defer p.stop()
	return p.guard(ctx, o.Dir, o.Length, o.overtime(), func() (*Result, error) { return o.run(ctx, p) })
}

// run makes network and directory, and plays on them.
func (o Options) run(ctx context.Context, p *pulse) (*Result, error) {
	l, network, err := open(o.Network)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	p.whenHung(func() { _ = l.Close() }) // why it hung says more
	dir, err := os.MkdirTemp(o.Dir, "nodes-")
	if err != nil {
		return nil, err
	}
	began := time.Now()
	r, err := o.play(ctx, p, l, dir, network)
	if r == nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	r.Took = time.Since(began)
	if len(o.Schedule) > 0 && !r.bit() && !r.Early {
		err = errors.Join(err, ErrNoBite)
	}
	if r.Violations() == 0 && err == nil {
		err = os.RemoveAll(dir)
	} else {
		r.Logs = dir
	}
	p.phase(PhaseSave)
	return r, errors.Join(err, r.Save(o.Dir))
}

// ErrNoBite means that the schedule has faults and none of them is known to have hurt anything.
var ErrNoBite = errors.New("no fault bit: the run proves nothing")

// open makes the network.
func open(kind string) (l *lab.Lab, network string, err error) {
	if kind != NetworkSwitch {
		l, err = lab.NewNamespaced()
		if err == nil || kind == NetworkNamespaces || !errors.Is(err, lab.ErrUnsupported) {
			return l, NetworkNamespaces, err
		}
	}
	l, err = lab.NewSwitched()
	return l, NetworkSwitch, err
}

// play starts a cluster, breaks it, and judges.
func (o Options) play(ctx context.Context, p *pulse, l *lab.Lab, dir, network string) (*Result, error) {
	o.Say("seed %d: %d nodes and %d clients on the network %q, %v", o.Seed, o.Nodes, o.Clients, network, o.Length)
	for _, step := range o.Schedule {
		o.Say("  %v", step)
	}
	c, err := found(ctx, p, l, dir, o.Binary, o.Nodes)
	defer c.end()
	p.whenHung(c.end)
	if err != nil {
		return nil, fmt.Errorf("start the cluster: %w", err)
	}
	s := &stage{cluster: c, say: o.Say, clients: clientNames(o.Clients), known: make(map[lostWrite]bool)}
	slots, err := c.control.Slots(ctx)
	if err != nil {
		return nil, err
	}
	s.asked = newSlotCounts(slots)
	actors, done, err := s.cast(ctx, o)
	defer done()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	s.now = func() time.Duration { return time.Since(began) }
	s.recorder = history.NewRecorder(history.Run{Version: o.Version, Seed: o.Seed, Began: began, Nodes: o.Nodes, Copies: min(copies, o.Nodes)}, s.now, memoryBytes)
	for _, a := range actors {
		a.recorder = s.recorder
	}
	load := newLoad(actors, o.Seed)
	s.perform(ctx, o, load)
	early := ctx.Err() != nil && s.now() < o.Length
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), quiet)
	defer cancel()
	p.whenHung(cancel)
	err = s.finish(ending)
	r, judgeErr := s.judge(o, network)
	if r != nil {
		r.Early, r.LeftOut = early, load.left.Load()
	}
	return r, errors.Join(err, judgeErr)
}

// cast dials the clients. done closes them.
func (s *stage) cast(ctx context.Context, o Options) (actors []*actor, done func(), err error) {
	var open []*client.Client
	done = func() {
		for _, c := range open {
			_ = c.Close() // nobody waits for an answer any more
		}
	}
	for _, name := range s.clients {
		c, err := s.dial(ctx, name, client.Config{})
		if err != nil {
			return nil, done, fmt.Errorf("dial %s: %w", name, err)
		}
		open = append(open, c)
		actors = append(actors, &actor{name: name, store: o.wrap(name, c), asked: s.asked, tally: &s.tally, now: func() time.Duration { return s.now() }})
	}
	return actors, done, nil
}

// perform runs load and faults beside each other until the time is over, and on a busy machine, where faults come late, until
// the last one is, late at most; or until ctx is done.
func (s *stage) perform(ctx context.Context, o Options, l *load) {
	ctx, cancel := context.WithTimeout(ctx, o.Length+o.late())
	defer cancel()
	var parts sync.WaitGroup
	s.pulse.load(o.Length, &s.tally, s.recorder.UnderWay)
	parts.Go(func() { l.run(ctx, workloads(), o.Rate) })
	parts.Go(func() {
		defer cancel()
		s.play(ctx, o.Schedule, o.Length)
		wait(ctx, o.Length-s.now())
	})
	over := make(chan struct{})
	strained := make(chan struct{})
	go func() { // joined below
		defer close(strained)
		s.strain.watch(over)
	}()
	parts.Wait()
	close(over)
	<-strained
}

// finish heals everything, waits until the nodes are one cluster, and reads all sessions. What could not be done stands
// in the history, or is the error.
func (s *stage) finish(ctx context.Context) error {
	s.say("%7.1fs  the load is over; healing, and waiting for the nodes to be one cluster", s.now().Seconds())
	s.pulse.phase(PhaseHeal)
	err := s.lab.Heal()
	if settleErr := s.settle(ctx, wholeLimit); settleErr != nil {
		s.say("%7.1fs  NOT ONE CLUSTER: %v", s.now().Seconds(), settleErr)
		s.note(s.recorder.Unlisted(settleErr.Error()))
		s.troubles = append(s.troubles, settleErr.Error())
		err = errors.Join(err, settleErr)
	}
	s.giveUp()
	s.say("%7.1fs  reading every session through every node", s.now().Seconds())
	err = errors.Join(err, s.finalReads(ctx))
	s.collectAll(ctx)
	return errors.Join(err, s.full, s.died())
}

// judge has every checker look at what was recorded.
func (s *stage) judge(o Options, network string) (*Result, error) {
	s.pulse.phase(PhaseJudge)
	h := s.recorder.History()
	s.say("%7.1fs  judging %d operations, %d faults, %d splits, %d conflicts, %d final reads", s.now().Seconds(),
		len(h.Operations), len(h.Faults), len(h.Splits), len(h.Conflicts), len(h.Finals))
	j, err := check.New(h, o.Limits)
	if err != nil {
		return nil, err
	}
	return &Result{
		Run: h.Run, Network: network, Schedule: o.Schedule, Verdicts: j.All(), Availability: j.Availability(),
		Troubles: s.troubles, Skipped: s.skipped, CutAnswers: s.recorder.CutAnswers(),
		Stalls: s.strain.times, Stalled: s.strain.longest, history: h,
	}, nil
}
