package lab

import (
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

func (n *namespaces) begin(d Damage) (wound, error) {
	switch d.Kind {
	case Cut, Loss:
		return n.drop(d)
	case Pull:
		return n.pull(d)
	}
	return nil, fmt.Errorf("%w: namespaces cannot %s packets, the switch can", ErrUnsupported, d.Kind)
}

// end undoes damages. Rules of all go in one step, then cords are plugged in one by one.
func (n *namespaces) end(wounds []wound) error {
	var tables []*table
	var errs []error
	for _, w := range wounds {
		switch w := w.(type) {
		case *dropping:
			tables = append(tables, w.table)
		case *pulling:
			tables = append(tables, w.toward)
			errs = append(errs, w.plug())
		}
	}
	return errors.Join(append(errs, n.filter.remove(tables...))...)
}

// dropping is a cut or a loss: rules on the bridge.
type dropping struct {
	table *table
	links []Link
}

func (n *namespaces) drop(d Damage) (wound, error) {
	var rules [][]expr.Any
	for _, l := range d.Links {
		rules = append(rules, bite(d, n.match(l))...)
	}
	t, err := n.filter.add(nftables.TableFamilyBridge, nftables.ChainHookForward, rules)
	if err != nil {
		return nil, err
	}
	return &dropping{t, d.Links}, nil
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

func (w *dropping) bites() ([]Bite, error) {
	counts, err := w.table.counts(len(w.links))
	if err != nil {
		return nil, err
	}
	var all []Bite
	for i, l := range w.links {
		all = append(all, Bite{Link: l, Packets: counts[i]})
	}
	return all, nil
}
