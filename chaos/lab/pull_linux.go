package lab

import (
	"errors"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// pulling is a cord that is out. The kernel drops without counting, so two filters count what is on its way: one on the bridge
// what others send there, one in the place what it sends itself.
type pulling struct {
	*injury
	network *namespaces
	place   *namespace
	own     *filter // of the place
	from    *table
}

func (n *namespaces) pull(d Damage, w *injury) (wound, error) {
	p := &pulling{injury: w, network: n, place: n.sites[d.Links[0].From]}
	toward := bridgeRules(counting(isFor(p.place.mac())))
	toward.hook = nftables.ChainHookPrerouting
	var err error
	if w.table, err = n.filter.add(toward); err != nil {
		return nil, err
	}
	if err := p.cut(); err != nil {
		return nil, errors.Join(err, n.filter.remove(w.table))
	}
	return p, nil
}

// cut takes the switch's side down, with a filter in the place before.
func (w *pulling) cut() error {
	conn, err := nftables.New(nftables.WithNetNSFd(int(w.place.ns))) // keeps nothing open that would keep the namespace
	if err != nil {
		return err
	}
	w.own = &filter{conn: conn, last: w.network.filter.last} // so that no two of the place have the same number
	w.from, err = w.own.add(tableSpec{family: nftables.TableFamilyIPv4, hook: nftables.ChainHookPostrouting,
		priority: nftables.ChainPriorityFilter, rules: counting(leavesBy(cordName))})
	if err != nil {
		return err
	}
	if err := w.network.unplug(w.place); err != nil {
		return errors.Join(err, w.own.remove(w.from))
	}
	w.place.pulls++
	return nil
}

// plug puts the cord in again, unless it is out for another reason as well.
func (w *pulling) plug() error {
	errs := []error{w.own.remove(w.from)}
	if w.place.pulls--; w.place.pulls == 0 {
		errs = append(errs, w.network.plug(w.place))
	}
	return errors.Join(errs...)
}

// counting is a rule that counts what matches.
func counting(match []expr.Any) [][]expr.Any {
	return [][]expr.Any{join(match, []expr.Any{&expr.Counter{}})}
}

func (w *pulling) bites() ([]Bite, error) {
	from, err := w.from.counts(1)
	if err != nil {
		return nil, err
	}
	toward, err := w.table.counts(1)
	if err != nil {
		return nil, err
	}
	return []Bite{{Link: Link{w.place.place, Any}, Packets: from[0]}, {Link: Link{Any, w.place.place}, Packets: toward[0]}}, nil
}
