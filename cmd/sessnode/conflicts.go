package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/node"
)

func (p *program) conflictsCommand() *ffcli.Command {
	flags := newFlags("conflicts")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "conflicts",
		ShortUsage: "sessnode conflicts [flags]",
		ShortHelp:  "acknowledged writes that were given up when a split healed",
		LongHelp: `When both sides of a split wrote the same attribute, the later write stands and the other is given up; a logout on either
side ends the session. All members are asked; each lists the last 1,000 writes that it gave up since its start, and what
members listed that have left in order; a node that is killed takes its list along, and its log has it. Flags may also be given
as SESSNODE_NODE and so on.

EXAMPLE
  sessnode conflicts -node 10.0.0.1:7946 -key-file cluster.key`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			c, err := p.dial(ctx, conn)
			if err != nil {
				return err
			}
			defer c.Close()
			all := askAll[node.Conflicts](ctx, c, "conflicts", "")
			if err := unable(all); err != nil {
				return err
			}
			report := reportOf(saidBy(all))
			report.Silent = append(report.Silent, silentOf(all)...)
			if *asJSON {
				err = printJSON(p.out, report)
			} else {
				err = printConflicts(p.out, report)
			}
			return cmp.Or(err, silence(report.Silent))
		},
	}
}

// conflictReport is what `sessnode conflicts -json` prints.
type conflictReport struct {
	Total     uint64         `json:"total"`  // found by all members that answered, since the start of each
	Silent    []string       `json:"silent"` // members that did not answer
	Conflicts []conflictView `json:"conflicts"`
}

// conflictView is one conflict and who found it.
type conflictView struct {
	Node string `json:"node"`
	node.ConflictStatus
}

// reportOf puts the lists of all members into the order of time.
func reportOf(lists []node.Conflicts) conflictReport {
	r := conflictReport{Silent: []string{}, Conflicts: []conflictView{}}
	for _, l := range lists {
		r.Total += l.Total
		for _, c := range l.Kept {
			r.Conflicts = append(r.Conflicts, conflictView{l.Node, c})
		}
	}
	slices.SortStableFunc(r.Conflicts, func(a, b conflictView) int { return a.Found.Compare(b.Found) })
	return r
}

// printConflicts prints a report for people.
func printConflicts(w io.Writer, r conflictReport) error {
	if r.Total == 0 {
		_, err := fmt.Fprintln(w, "no write was given up")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHEN\tNODE\tSLOT\tSESSION\tATTRIBUTE\tLOST, WRITTEN\tKEPT, WRITTEN\tWHY")
	for _, c := range r.Conflicts {
		attribute := "-"
		if c.Attribute != "" {
			attribute = fmt.Sprintf("%q", c.Attribute)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s/%s\t%s\t%s\t%s\t%s\n", c.Found.Local().Format(time.DateTime), c.Node, c.Slot, c.App,
			c.Session, attribute, precise(c.LostWritten), precise(c.KeptWritten), c.Why)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	more := ""
	if kept := uint64(len(r.Conflicts)); kept < r.Total {
		more = fmt.Sprintf("; the oldest %d are not kept", r.Total-kept)
	}
	_, err := fmt.Fprintf(w, "\n%d in all%s\n", r.Total, more)
	return err
}

// precise is a time of day to the millisecond: writes of two sides may lie close together.
func precise(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05.000") }
