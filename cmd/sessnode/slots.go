package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

func (p *program) slotsCommand() *ffcli.Command {
	flags := newFlags("slots")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	member := flags.String("member", "", "`NAME` of a member: only slots of which it is primary, backup or home")
	state := flags.String("state", "", "`STATES`, with commas: only slots in one of these")
	return &ffcli.Command{
		Name:       "slots",
		ShortUsage: "sessnode slots [flags]",
		ShortHelp:  "each slot: who holds it, where its home is, what is in it, how it stands",
		LongHelp: `All members are asked. Of what they say of a slot, the highest epoch counts, and of that what its primary says. The states,
worst first; the first that applies is shown:

  unclaimed  nobody has claimed it
  dead       its primary is no living member
  sole       one living node holds the only copy, though there are members for more
  short      fewer backups than there should be
  moving     a copy is being made, or it is being handed over
  away       complete, and not at home
  home       complete, and at home

Sessions and bytes are those that the node which says it holds. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode slots -state dead,sole,short
  sessnode slots -member node-2 -json`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			wanted, err := slotFilter(*member, *state)
			if err != nil {
				return err
			}
			report, err := p.askSlots(ctx, conn)
			if err != nil {
				return err
			}
			report.Slots = slices.DeleteFunc(report.Slots, func(s node.SlotView) bool { return !wanted(s) })
			if *asJSON {
				err = printJSON(p.out, report)
			} else {
				err = printSlots(p.out, report)
			}
			return cmp.Or(err, silence(report.Silent))
		},
	}
}

// slotFilter is what a slot must be to be shown.
func slotFilter(member, states string) (func(node.SlotView) bool, error) {
	chosen := splitList(states)
	for _, s := range chosen {
		if !slices.Contains(node.SlotStates(), s) {
			return nil, usageError{fmt.Errorf("-state %q: choose of %s", s, strings.Join(node.SlotStates(), ", "))}
		}
	}
	return func(s node.SlotView) bool {
		concerned := member == "" || s.Primary == member || slices.Contains(s.Backups, member) || slices.Contains(s.Home, member)
		return concerned && (len(chosen) == 0 || slices.Contains(chosen, s.State))
	}, nil
}

// slotReport is what `sessnode slots -json` prints.
type slotReport struct {
	Total  int             `json:"total"`
	Silent []string        `json:"silent"` // members that did not answer
	Slots  []node.SlotView `json:"slots"`
}

// askSlots asks every member and makes one list of what they say.
func (p *program) askSlots(ctx context.Context, conn connection) (slotReport, error) {
	c, err := p.dial(ctx, conn)
	if err != nil {
		return slotReport{}, err
	}
	defer c.Close()
	defer p.waiting("asking all members")()
	all := askEach(ctx, c, func(ctx context.Context, m replica.Member) (node.SlotList, error) { return slotsOf(ctx, c, m) })
	if err := unable(all); err != nil {
		return slotReport{}, err
	}
	return slotReportOf(saidBy(all), append([]string{}, silentOf(all)...)), nil
}

// slotsOf asks one member, a part of its list at a time.
func slotsOf(ctx context.Context, c *client.Client, m replica.Member) (node.SlotList, error) {
	var whole node.SlotList
	for from := 0; ; {
		part, err := ask[node.SlotList](ctx, c, m.Addr, "slots", strconv.Itoa(from))
		if err != nil {
			return whole, err
		}
		part.Slots = append(whole.Slots, part.Slots...)
		whole = part
		if whole.Next >= whole.Total || whole.Next <= from {
			return whole, nil
		}
		from = whole.Next
	}
}

// slotReportOf takes of what is said of a slot the highest epoch, and of that what its primary says.
func slotReportOf(lists []node.SlotList, silent []string) slotReport {
	r := slotReport{Silent: silent, Slots: []node.SlotView{}}
	best := map[uint32]node.SlotView{}
	for _, l := range lists {
		r.Total = max(r.Total, l.Total)
		for _, s := range l.Slots {
			if b, known := best[s.Slot]; !known || better(s, b) {
				best[s.Slot] = s
			}
		}
	}
	for _, s := range best {
		r.Slots = append(r.Slots, s)
	}
	slices.SortFunc(r.Slots, func(a, b node.SlotView) int { return cmp.Compare(a.Slot, b.Slot) })
	return r
}

// better reports whether one view of a slot says more than another.
func better(a, b node.SlotView) bool {
	if a.Epoch != b.Epoch {
		return a.Epoch > b.Epoch
	}
	rank := func(s node.SlotView) int {
		return slices.Index([]string{"none", "learner", "holder", "backup", "primary"}, s.Role)
	}
	return rank(a) > rank(b)
}

// printSlots prints a report for people.
func printSlots(w io.Writer, r slotReport) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SLOT\tPRIMARY\tBACKUPS\tHOME\tEPOCH\tSESSIONS\tBYTES\tSTATE")
	for _, s := range r.Slots {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", s.Slot, orDash(s.Primary), orDash(strings.Join(s.Backups, ",")),
			orDash(strings.Join(s.Home, ",")), s.Epoch, s.Sessions, s.Bytes, s.State)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d of %d slots\n", len(r.Slots), r.Total)
	return err
}
