package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

func (p *program) topCommand() *ffcli.Command {
	flags := newFlags("top")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	watch := flags.Bool("watch", false, "show it again every second, in place on a terminal")
	most := flags.Int("n", 10, "`number` of sessions, and of slots, to show; 64 of each node at most")
	return &ffcli.Command{
		Name:       "top",
		ShortUsage: "sessnode top [flags]",
		ShortHelp:  "what keeps the nodes busy: the sessions and slots with most requests",
		LongHelp: `All members are asked. Each counts the requests of the last ten to twenty seconds that it answered as primary, by session, in
bounded memory: of very many sessions only the busy ones are known. Where more than 2,000 requests a second come to a node it
looks at one of sixteen. A rate is never far too low; "at least" is what is certain of it apart from that chance. Ids are
shortened. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode top -watch
  sessnode top -n 3 -json`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			switch err := noArguments(args); {
			case err != nil:
				return err
			case *most < 1:
				return usageError{fmt.Errorf("-n %d: choose 1 or more", *most)}
			case *watch && *asJSON:
				return errWatchJSON
			}
			c, err := p.dial(ctx, conn)
			if err != nil {
				return err
			}
			defer c.Close()
			if *watch {
				return p.again(ctx, func(ctx context.Context, w io.Writer) error {
					report, err := askTop(ctx, c, *most)
					return cmp.Or(err, printTop(w, report), silence(report.Silent))
				})
			}
			report, err := askTop(ctx, c, *most)
			switch {
			case err != nil:
				return err
			case *asJSON:
				err = printJSON(p.out, report)
			default:
				err = printTop(p.out, report)
			}
			return cmp.Or(err, silence(report.Silent))
		},
	}
}

// topReport is what `sessnode top -json` prints.
type topReport struct {
	Requests float64       `json:"requests"` // in a second, of all members that answered
	Silent   []string      `json:"silent"`   // members that did not answer
	Sessions []busySession `json:"sessions"` // busiest first
	Slots    []busySlot    `json:"slots"`
}

type busySession struct {
	Node string `json:"node"`
	node.TopSession
}

type busySlot struct {
	Node string `json:"node"`
	node.TopSlot
}

// askTop asks every member and puts the busiest of all first.
func askTop(ctx context.Context, c *client.Client, most int) (topReport, error) {
	all := askAll[node.Top](ctx, c, "top", "")
	if err := unable(all); err != nil {
		return topReport{}, err
	}
	r := topReport{Silent: append([]string{}, silentOf(all)...), Sessions: []busySession{}, Slots: []busySlot{}}
	for _, t := range saidBy(all) {
		r.Requests += t.Requests
		for _, s := range t.Sessions {
			r.Sessions = append(r.Sessions, busySession{t.Node, s})
		}
		for _, s := range t.Slots {
			r.Slots = append(r.Slots, busySlot{t.Node, s})
		}
	}
	slices.SortStableFunc(r.Sessions, func(a, b busySession) int { return cmp.Compare(b.Rate, a.Rate) })
	slices.SortStableFunc(r.Slots, func(a, b busySlot) int { return cmp.Compare(b.Rate, a.Rate) })
	r.Sessions, r.Slots = r.Sessions[:min(most, len(r.Sessions))], r.Slots[:min(most, len(r.Slots))]
	return r, nil
}

// printTop prints a report for people.
func printTop(w io.Writer, r topReport) error {
	fmt.Fprintf(w, "%.1f requests a second\n\n", r.Requests)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SESSION\tAPPLICATION\tSLOT\tNODE\tREQUESTS/S\tAT LEAST")
	for _, s := range r.Sessions {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%.1f\t%.1f\n", s.Session, s.App, s.Slot, s.Node, s.Rate, s.Least)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "SLOT\tNODE\tREQUESTS/S")
	for _, s := range r.Slots {
		fmt.Fprintf(t, "%d\t%s\t%.1f\n", s.Slot, s.Node, s.Rate)
	}
	return t.Flush()
}
