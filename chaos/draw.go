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
	rollTime   = 3 * time.Second // of one node of a rolling restart, beside how long it is down
)

const (
	withinLeast = 3 * time.Second // a split that is shorter has no other fault within it
	skewWithin  = 500             // milliseconds that clocks may be apart by default
	shareOfAll  = 0.1             // of the packets of all links
)

// severe are the kinds that a drawn schedule does one after another, and mild those that may happen beside them. Nodes join
// and leave beside both.
var (
	severe = []Kind{Kill, Cut, Pause, Isolate, Restart, OneWay, Pull, Flap, Bridge, Ring, Rolling}
	mild   = []Kind{Loss, Delay, Duplicate, Reorder, Skew, StopReading}
)

// Draw draws a schedule for a cluster: the same arguments give the same one. Every kind that the cluster is large enough
// for, and that the length has room for, comes before any comes twice; of clocks, those that are off by what is allowed and
// those that are not take turns.
func Draw(seed uint64, nodes, clients int, length time.Duration) Schedule {
	d := &draw{Rand: rand.New(rand.NewPCG(seed, 0)), nodes: nodeNames(nodes), clients: clientNames(clients), guests: guestNames(nodes)}
	all := slices.Concat(
		d.lane(d.possible(), length, 2*time.Second, 8*time.Second, 2*time.Second, 5*time.Second),
		d.lane(mild, length, 3*time.Second, 10*time.Second, 2*time.Second, 8*time.Second),
		d.lane([]Kind{Join}, length, 10*time.Second, 30*time.Second, 2*time.Second, 15*time.Second))
	slices.SortStableFunc(all, func(a, b Step) int { return int(a.At - b.At) })
	return all[:min(len(all), stepsMax)]
}

type draw struct {
	*rand.Rand
	nodes, clients, guests []string
	joins, skews, splits   int // drawn
}

// possible are the severe kinds that there are enough nodes for.
func (d *draw) possible() []Kind {
	return slices.DeleteFunc(slices.Clone(severe), func(k Kind) bool {
		return len(d.nodes) < 2 || k == Bridge && len(d.nodes) < 3 || k == Ring && len(d.nodes) < 4
	})
}

// lane is faults one after another, each so long and so far from the next one. It ends with the first that there is no
// time for; a rolling restart alone, which is long, is left out then.
func (d *draw) lane(kinds []Kind, length, shortest, longest, gapMin, gapMax time.Duration) Schedule {
	var all Schedule
	var bag []Kind
	kinds = slices.Clone(kinds)
	for at := firstFault + d.between(0, gapMin); len(kinds) > 0; {
		if len(bag) == 0 {
			bag = slices.Clone(kinds)
			d.Shuffle(len(bag), func(i, j int) { bag[i], bag[j] = bag[j], bag[i] })
		}
		s := d.step(bag[0], at, d.between(shortest, longest))
		over := s.At + d.takes(&s)
		if over+lastFault <= length {
			all, bag = append(all, s), bag[1:]
			at = over + d.between(gapMin, gapMax)
			continue
		}
		if s.Kind != Rolling {
			break
		}
		bag = bag[1:]
		kinds = slices.DeleteFunc(kinds, func(k Kind) bool { return k == Rolling })
	}
	return all
}

// takes is how long a fault lasts, about.
func (d *draw) takes(s *Step) time.Duration {
	if s.Kind == Rolling {
		return time.Duration(len(d.nodes)) * (s.For + rollTime)
	}
	return s.For
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
	case Ring, StopReading:
		s.Whom = []string{Everybody}
	case Rolling:
		s.Whom, s.For = []string{Everybody}, d.between(0, time.Second)
	case Join:
		s.Whom = []string{d.guests[d.joins%len(d.guests)]}
		d.joins++
	case Loss, Duplicate, Reorder:
		s.Whom, s.Share = []string{d.oneOrAll()}, float64(1+d.IntN(30))/100
		if s.Whom[0] == Everybody { // with more, nothing comes together again while it lasts
			s.Share = min(s.Share, shareOfAll)
		}
	case Delay:
		s.Whom, s.By, s.Jitter = []string{d.oneOrAll()}, d.millis(5, 60), d.millis(0, 40)
		if s.Whom[0] == Everybody {
			s.By, s.Jitter = (s.By / 3).Truncate(time.Millisecond), (s.Jitter / 3).Truncate(time.Millisecond) // each way
		}
	case Skew:
		d.skew(&s)
	case Restart:
		s.Whom, s.For = []string{d.node()}, d.between(0, time.Second)
	default:
		s.Whom = []string{d.node()}
		if d.IntN(2) == 0 && (k == Isolate || k == Kill || k == Pause) {
			s.Whom[0] = BusyPrimary
		}
	}
	if slices.Contains(clean, k) && len(d.nodes) > 2 && length >= withinLeast {
		if d.splits++; d.splits%2 == 1 {
			s.With = Within{[]Kind{Kill, Kill, Pause}[d.IntN(3)], d.node()}
		}
	}
	return s
}

// skew draws how wrong a clock is.
func (d *draw) skew(s *Step) {
	s.Whom = []string{d.node()}
	if d.skews++; d.skews%2 == 1 {
		s.Off = d.millis(skewWithin/5, skewWithin)
	} else {
		s.Off = d.millis(2*skewWithin, 20*skewWithin)
	}
	if d.IntN(2) == 0 {
		s.Off = -s.Off
	}
	s.Rate = 1 + float64(d.IntN(41)-20)/1000
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
