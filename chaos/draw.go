package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// Times of drawn schedules.
const (
	firstFault = 3 * time.Second // the load runs undisturbed until then
	lastFault  = 2 * time.Second // and from so long before its end
	tick       = 100 * time.Millisecond
)

// severe are the kinds that a drawn schedule does one after another, and mild those that may happen beside them.
var (
	severe = []Kind{Kill, Cut, Pause, Isolate, Restart, OneWay, Pull, Flap, Bridge, Ring}
	mild   = []Kind{Loss, Delay}
)

// Draw draws a schedule for a cluster: the same arguments give the same one. Every kind that the cluster is large enough
// for comes before any comes twice.
func Draw(seed uint64, nodes, clients int, length time.Duration) Schedule {
	d := &draw{rand.New(rand.NewPCG(seed, 0)), nodeNames(nodes), clientNames(clients)}
	all := slices.Concat(
		d.lane(d.possible(), length, 2*time.Second, 8*time.Second, 2*time.Second, 5*time.Second),
		d.lane(mild, length, 3*time.Second, 10*time.Second, 5*time.Second, 20*time.Second))
	slices.SortStableFunc(all, func(a, b Step) int { return int(a.At - b.At) })
	return all[:min(len(all), stepsMax)]
}

type draw struct {
	*rand.Rand
	nodes, clients []string
}

// possible are the severe kinds that there are enough nodes for.
func (d *draw) possible() []Kind {
	return slices.DeleteFunc(slices.Clone(severe), func(k Kind) bool {
		return len(d.nodes) < 2 || k == Bridge && len(d.nodes) < 3 || k == Ring && len(d.nodes) < 4
	})
}

// lane is faults one after another, each so long and so far from the next one.
func (d *draw) lane(kinds []Kind, length, shortest, longest, gapMin, gapMax time.Duration) Schedule {
	var all Schedule
	var bag []Kind
	for at := firstFault + d.between(0, gapMin); len(kinds) > 0; {
		if len(bag) == 0 {
			bag = slices.Clone(kinds)
			d.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		s := d.step(bag[0], at, d.between(shortest, longest))
		if s.At+s.For+lastFault > length {
			break
		}
		all, bag = append(all, s), bag[1:]
		at += s.For + d.between(gapMin, gapMax)
	}
	return all
}

// between is a time in an interval, in whole ticks.
func (d *draw) between(from, until time.Duration) time.Duration {
	return from + time.Duration(d.Int64N(int64((until-from)/tick)+1))*tick
}

func (d *draw) step(k Kind, at, length time.Duration) Step {
	s := Step{At: at, Kind: k, For: length}
	switch k {
	case Cut, OneWay, Flap:
		s.Whom, s.Against = d.sides()
	case Ring:
		s.Whom = []string{Everybody}
	case Loss:
		s.Whom, s.Share = []string{d.oneOrAll()}, float64(1+d.IntN(30))/100
	case Delay:
		s.Whom, s.By, s.Jitter = []string{d.oneOrAll()}, d.millis(5, 60), d.millis(0, 40)
	case Restart:
		s.Whom, s.For = []string{d.node()}, d.between(0, time.Second)
	default:
		s.Whom = []string{d.node()}
		if d.IntN(2) == 0 && (k == Isolate || k == Kill || k == Pause) {
			s.Whom[0] = BusyPrimary
		}
	}
	return s
}

func (d *draw) node() string { return d.nodes[d.IntN(len(d.nodes))] }

func (d *draw) oneOrAll() string {
	if d.IntN(2) == 0 {
		return Everybody
	}
	return d.node()
}

func (d *draw) millis(from, until int) time.Duration {
	return time.Duration(from+d.IntN(until-from+1)) * time.Millisecond
}

// sides puts every node and client on one of two sides; none of them is without a node.
func (d *draw) sides() (a, b []string) {
	nodes := slices.Clone(d.nodes)
	d.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	cut := 1 + d.IntN(len(nodes)-1)
	a, b = nodes[:cut:cut], nodes[cut:]
	for i, c := range d.clients {
		switch {
		case i == 0: // so that each side has a client, if there are two
			a = append(a, c)
		case i == 1 || d.IntN(2) == 0:
			b = append(b, c)
		default:
			a = append(a, c)
		}
	}
	slices.Sort(a)
	slices.Sort(b)
	return a, b
}
