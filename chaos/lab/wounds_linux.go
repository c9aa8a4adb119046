package lab

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// injury is what every wound of namespaces has. The lines know of all damages, because packets that take the detour meet no
// other rule of the kernel; each packet is counted either there or here.
type injury struct {
	lines *lineWound
	table *table // on the bridge
}

func (w *injury) common() *injury { return w }

// injured is any wound of namespaces.
type injured interface{ common() *injury }

func (n *namespaces) begin(d Damage) (wound, error) {
	w := &injury{lines: n.lines.begin(d)}
	whole, err := n.do(d, w)
	if err != nil {
		n.lines.end([]*lineWound{w.lines})
		return nil, err
	}
	return whole, nil
}

// do does what the kernel must for a damage.
func (n *namespaces) do(d Damage, w *injury) (whole wound, err error) {
	switch {
	case d.Kind == Pull && d.Links[0].From == Strangers:
		return nil, fmt.Errorf("%w: this machine has no cord of the lab's: cut it off from all places", ErrUnsupported)
	case d.Kind == Pull:
		return n.pull(d, w)
	case d.Kind.drops():
		w.table, err = n.filter.add(bridgeRules(n.rules(d.Links, func(match []expr.Any) [][]expr.Any { return bite(d, match) })))
		return &dropping{w}, err
	}
	return n.divert(d, w)
}

// rules is those for each link, in order.
func (n *namespaces) rules(links []Link, of func(match []expr.Any) [][]expr.Any) [][]expr.Any {
	var rules [][]expr.Any
	for _, l := range links {
		rules = append(rules, of(n.match(l))...)
	}
	return rules
}

// match matches what the bridge passes on over a link.
func (n *namespaces) match(l Link) []expr.Any {
	var exprs []expr.Any
	if l.From != Any {
		exprs = append(exprs, arrivesBy(n.sites[l.From].cord)...)
	}
	if l.To != Any {
		exprs = append(exprs, leavesBy(n.sites[l.To].cord)...)
	}
	return exprs
}

// end undoes damages: first all rules of the kernel, in one step, then all others, in another; then cords are plugged in, one
// by one. What is on its way meanwhile may arrive twice where a detour ends.
func (n *namespaces) end(wounds []wound) error {
	var tables []*table
	var lines []*lineWound
	var errs []error
	for _, w := range wounds {
		common := w.(injured).common()
		tables, lines = append(tables, common.table), append(lines, common.lines)
	}
	errs = append(errs, n.filter.remove(tables...))
	n.lines.end(lines)
	for _, w := range wounds {
		switch w := w.(type) {
		case *pulling:
			errs = append(errs, w.plug())
		case *diverting:
			errs = append(errs, n.leaveDetour())
		}
	}
	return errors.Join(errs...)
}

// dropping is a cut or a loss.
type dropping struct{ *injury }

func (w *dropping) bites() ([]Bite, error) {
	all, err := w.lines.bites()
	if err != nil {
		return nil, err
	}
	counts, err := w.table.counts(len(all))
	for i := range counts {
		all[i].Packets += counts[i]
	}
	return all, err
}

// diverting is a damage that the kernel cannot do. It drops, uncounted, what the bridge would pass on; the detour does that.
type diverting struct{ *injury }

func (n *namespaces) divert(d Damage, w *injury) (wound, error) {
	if err := n.enterDetour(); err != nil {
		return nil, err
	}
	drop := []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
	spec := bridgeRules(n.rules(d.Links, func(match []expr.Any) [][]expr.Any { return [][]expr.Any{join(match, drop)} }))
	spec.priority = beforeOthers
	var err error
	if w.table, err = n.filter.add(spec); err != nil {
		return nil, errors.Join(err, n.leaveDetour())
	}
	return &diverting{w}, nil
}

func (w *diverting) bites() ([]Bite, error) { return w.lines.bites() }

// bridgeRules are for what the bridge passes on.
func bridgeRules(rules [][]expr.Any) tableSpec {
	return tableSpec{family: nftables.TableFamilyBridge, hook: nftables.ChainHookForward, priority: nftables.ChainPriorityFilter,
		rules: rules}
}
