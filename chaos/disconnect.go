package chaos

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/chaos/lab"
)

// flapEvery is how long a flapping link is cut, and then mended.
const flapEvery = 500 * time.Millisecond

// disconnect does a fault of the network.
func (s *stage) disconnect(step Step) (wound, error) {
	w := wound{kind: string(step.Kind), whom: slices.Concat(step.Whom, step.Against), split: !isMild[step.Kind]}
	if len(step.Against) > 0 {
		step.Against = slices.Concat(step.Against, guestNames(len(s.members))) // whoever joins is on the second side
	}
	switch step.Kind {
	case Cut:
		return s.cut(w, step.Whom, step.Against)
	case Isolate:
		w.kind = history.Cut
		alone, others := s.alone(step.Whom[0])
		return s.cut(w, alone, others)
	case Pull:
		return s.pull(w, step.Whom[0])
	case OneWay:
		return s.part(w, lab.Between(step.Whom, step.Against, true))
	case Ring:
		return s.part(w, s.beyondNeighbours())
	case Bridge:
		a, b := s.halves(step.Whom[0])
		return s.part(w, lab.Between(a, b, false))
	case Flap:
		return s.flap(w, lab.Between(step.Whom, step.Against, false))
	}
	return s.hurt(w, step)
}

// cut parts two sides.
func (s *stage) cut(w wound, a, b []string) (wound, error) {
	if len(a)+len(b) == len(s.everyone()) {
		w.sides = [][]string{a, b} // else who is on no side may pass requests on
	}
	return s.part(w, lab.Between(a, b, false))
}

// part cuts links.
func (s *stage) part(w wound, links []lab.Link) (wound, error) {
	f, err := s.lab.Begin(lab.Damage{Kind: lab.Cut, Links: links})
	if err != nil {
		return w, err
	}
	w.end = ending(f)
	return w, nil
}

// pull takes a node's cord out.
func (s *stage) pull(w wound, node string) (wound, error) {
	w.sides = [][]string{{node}, s.without([]string{node})}
	f, err := s.lab.Pull(node)
	if err != nil {
		return w, err
	}
	w.end = ending(f)
	return w, nil
}

// ending ends a fault and tells what it dropped.
func ending(f *lab.Fault) func(context.Context) (uint64, error) {
	return func(context.Context) (uint64, error) {
		if err := f.End(); err != nil {
			return 0, err
		}
		return f.Bitten()
	}
}

// everyone is the names of all nodes, those that may join included, and clients.
func (s *stage) everyone() []string {
	return slices.Concat(nodeNames(len(s.members)+guestsMax), s.clients)
}

func (s *stage) without(names []string) []string {
	return slices.DeleteFunc(s.everyone(), func(name string) bool { return slices.Contains(names, name) })
}

// alone is a node with one client, and all others.
func (s *stage) alone(node string) (alone, others []string) {
	alone = []string{node}
	if len(s.clients) > 1 {
		i := slices.Index(nodeNames(len(s.members)), node)
		alone = append(alone, s.clients[i%len(s.clients)])
	}
	return alone, s.without(alone)
}

// beyondNeighbours are the links of a ring that are cut, both ways. Clients reach everybody.
func (s *stage) beyondNeighbours() []lab.Link {
	names := nodeNames(len(s.members))
	reach := (len(names)/2 + 1) / 2 // on each side, so that everybody sees a majority
	var cut []lab.Link
	for i, a := range names {
		for j := i + 1; j < len(names); j++ {
			if far := min(j-i, len(names)-(j-i)); far > reach {
				cut = append(cut, lab.Both(a, names[j])...)
			}
		}
	}
	return cut
}

// halves are two of nodes and clients, without the node between.
func (s *stage) halves(between string) (a, b []string) {
	for i, name := range s.without([]string{between}) {
		if i%2 == 0 {
			a = append(a, name)
		} else {
			b = append(b, name)
		}
	}
	return a, b
}

// flap cuts links and mends them, again and again.
func (s *stage) flap(w wound, links []lab.Link) (wound, error) {
	damage := lab.Damage{Kind: lab.Cut, Links: links}
	f, err := s.lab.Begin(damage)
	if err != nil {
		return w, err
	}
	ctx, stop := context.WithCancel(context.Background())
	var flapping sync.WaitGroup
	var dropped uint64
	var failed error
	flapping.Go(func() { // ends when the fault does, which joins it
		for failed == nil {
			if f != nil {
				n, err := ending(f)(ctx)
				dropped, failed, f = dropped+n, err, nil
			} else {
				f, failed = s.lab.Begin(damage)
			}
			if !wait(ctx, flapEvery) {
				break
			}
		}
		if f != nil {
			n, err := ending(f)(ctx)
			dropped, failed = dropped+n, err
		}
	})
	w.end = func(context.Context) (uint64, error) {
		stop()
		flapping.Wait()
		return dropped, failed
	}
	return w, nil
}

// hurt does something to packets to and from one, or of all to all.
func (s *stage) hurt(w wound, step Step) (wound, error) {
	var links []lab.Link
	if name := step.Whom[0]; name != Everybody {
		links = lab.All(name)
	} else {
		for _, name := range s.everyone() {
			links = append(links, lab.Link{From: name, To: lab.Any})
		}
	}
	d := lab.Damage{Kind: lab.Kind(step.Kind), Links: links, Share: step.Share, Delay: step.By, Jitter: step.Jitter}
	switch step.Kind {
	case Delay:
		w.note = fmt.Sprintf("the packets counted came %v to %v late", step.By, step.By+step.Jitter)
	default:
		w.note = fmt.Sprintf("%.0f %% %s", step.Share*100, map[Kind]string{Loss: "lost", Duplicate: "doubled", Reorder: "overtaken"}[step.Kind])
	}
	f, err := s.lab.Begin(d)
	if err != nil {
		return w, err
	}
	w.end = ending(f)
	return w, nil
}
