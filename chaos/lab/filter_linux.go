package lab

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// filter is the packet filter of a network namespace. Each damage is a table of its own there, so that it begins and ends whole,
// whatever others hold. Every packet that passes the bridge meets it after its sender has let go of it: no sender sees EPERM.
type filter struct {
	mu   sync.Mutex // guards what follows; held during a call, because answers are told apart by their order alone
	conn *nftables.Conn
	last int // number of the newest table
}

// openFilter tries out all that a filter is made of, so that what a kernel lacks is known from the start.
func openFilter(hub netns.NsHandle) (*filter, error) {
	conn, err := nftables.New(nftables.WithNetNSFd(int(hub)), nftables.AsLasting())
	if err != nil {
		return nil, err
	}
	f := &filter{conn: conn}
	for _, d := range []Damage{{Kind: Cut}, {Kind: Loss, Share: 0.5}} {
		t, err := f.add(bridgeRules(bite(d, nil)))
		if err == nil {
			err = f.remove(t)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("rules for %s on a bridge: %w", d.Kind, err), f.close())
		}
	}
	return f, nil
}

func (f *filter) close() error { return f.conn.CloseLasting() }

// batchMax is how many rules are sent to the kernel at a time: each is answered, and answers that do not fit into the socket's
// buffer are lost, which looks as if the rules had failed.
const batchMax = 32

// table is rules of a filter, in one chain.
type table struct {
	filter *filter
	table  *nftables.Table
	chain  *nftables.Chain
}

// tableSpec is what a table shall be.
type tableSpec struct {
	family   nftables.TableFamily
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	rules    [][]expr.Any
}

// beforeOthers is the priority of tables that see packets before those of others do.
var beforeOthers = nftables.ChainPriorityRef(*nftables.ChainPriorityFilter - 1)

// add makes a table. Its rules take hold in one step, the last: no packet gets to them before.
func (f *filter) add(spec tableSpec) (*table, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	t := &table{filter: f, table: f.conn.AddTable(&nftables.Table{Family: spec.family, Name: fmt.Sprintf("fault%d", f.last)})}
	t.chain = f.conn.AddChain(&nftables.Chain{Name: "packets", Table: t.table})
	for batch := range slices.Chunk(spec.rules, batchMax) {
		for _, exprs := range batch {
			f.conn.AddRule(&nftables.Rule{Table: t.table, Chain: t.chain, Exprs: exprs})
		}
		if err := f.conn.Flush(); err != nil {
			return nil, f.undo(t, err)
		}
	}
	hooked := f.conn.AddChain(&nftables.Chain{Name: "all", Table: t.table, Type: nftables.ChainTypeFilter, Hooknum: spec.hook,
		Priority: spec.priority})
	f.conn.AddRule(&nftables.Rule{Table: t.table, Chain: hooked,
		Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: t.chain.Name}}})
	if err := f.conn.Flush(); err != nil {
		return nil, f.undo(t, err)
	}
	return t, nil
}

// undo removes what there is of a table that was not made, and returns why.
func (f *filter) undo(t *table, why error) error {
	f.conn.DelTable(t.table)
	_ = f.conn.Flush() // it may not be there
	return why
}

// remove removes tables, in one step.
func (f *filter) remove(tables ...*table) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range tables {
		f.conn.DelTable(t.table)
	}
	return f.conn.Flush()
}

// counts is the packets of each rule that counts, in order; there must be as many as wanted.
func (t *table) counts(want int) ([]uint64, error) {
	t.filter.mu.Lock()
	defer t.filter.mu.Unlock()
	rules, err := t.filter.conn.GetRules(t.table, t.chain)
	if err != nil {
		return nil, fmt.Errorf("read counters: %w", err)
	}
	var all []uint64
	for _, r := range rules {
		for _, e := range r.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				all = append(all, c.Packets)
			}
		}
	}
	if len(all) != want {
		return nil, fmt.Errorf("read counters: %d of %d are there", len(all), want)
	}
	return all, nil
}

// bite is the rules that do a damage to the packets that match. A packet that a loss has spared meets no further rule of the
// same damage.
func bite(d Damage, match []expr.Any) [][]expr.Any {
	drop := []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}}
	if d.Kind == Cut {
		return [][]expr.Any{join(match, drop)}
	}
	return [][]expr.Any{
		join(match, rolls(d.Share), drop),
		join(match, []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}),
	}
}

// rolls matches a share of packets. The kernel compares bytes, so the number that it draws is put in their order.
func rolls(share float64) []expr.Any {
	const sides = 1 << 30
	limit := uint32(math.Ceil(share * sides))
	return []expr.Any{
		&expr.Numgen{Register: 1, Modulus: sides, Type: unix.NFT_NG_RANDOM},
		&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
		&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: binaryutil.BigEndian.PutUint32(limit)},
	}
}

// arrivesBy and leavesBy match packets by a link of the filter's namespace.
func arrivesBy(link string) []expr.Any {
	return equals(&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, linkName(link))
}

func leavesBy(link string) []expr.Any {
	return equals(&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, linkName(link))
}

// isFor matches frames by their destination.
func isFor(mac net.HardwareAddr) []expr.Any {
	return equals(&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: 0, Len: 6}, mac)
}

func equals(load expr.Any, data []byte) []expr.Any {
	return []expr.Any{load, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

// linkName is a name as the kernel compares it.
func linkName(name string) []byte {
	return append([]byte(name), make([]byte, unix.IFNAMSIZ-len(name))...)
}

// join is parts of a rule, in an array of their own.
func join(parts ...[]expr.Any) []expr.Any {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}
