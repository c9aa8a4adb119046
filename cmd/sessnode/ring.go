package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/ring"
)

func (p *program) ringCommand() *ffcli.Command {
	flags := newFlags("ring")
	var scenario ring.Scenario
	var conf ring.Config
	flags.IntVar(&scenario.Members, "members", 3, "`number` of nodes before the change; they are called node-01, node-02, …")
	flags.IntVar(&scenario.Zones, "zones", 0, "`number` of zones that the nodes are dealt to in turn; 0 for none")
	flags.StringVar(&scenario.Leave, "leave", "", "`NAME` of the node that leaves")
	flags.StringVar(&scenario.Join, "join", "", "`NAME` of a node that joins")
	flags.IntVar(&conf.Slots, "slots", ring.DefaultSlots, "`number` of slots")
	flags.IntVar(&conf.Backups, "backups", 1, "`number` of backups of each slot")
	asJSON := flags.Bool("json", false, "print JSON, with every slot that moves")
	return &ffcli.Command{
		Name:       "ring",
		ShortUsage: "sessnode ring -members N -leave NAME | -join NAME [flags]",
		ShortHelp:  "try out what a change of membership would move, without a cluster",
		LongHelp: `EXAMPLE
  sessnode ring -members 30 -leave node-07
  sessnode ring -members 12 -join node-13 -backups 2 -zones 3 -json`,
		FlagSet: flags,
		Exec: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			change, err := ring.Preview(conf, scenario)
			if err != nil {
				return remedy(err, ring.ErrNoChange, "name one with -leave or -join")
			}
			if *asJSON {
				return printJSON(p.out, change)
			}
			return printChange(p.out, change, 1+conf.Backups)
		},
	}
}

// printJSON prints a value as an indented JSON document.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printChange prints a change of membership for people.
func printChange(w io.Writer, c ring.Change, copies int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "members\t%d → %d%s%s\n", c.MembersBefore, c.MembersAfter, listed(", leaves: ", c.Left), listed(", joins: ", c.Joined))
	fmt.Fprintf(t, "slots\t%d, with %d copies each\n", c.Slots, min(copies, c.MembersAfter))
	fmt.Fprintf(t, "copies moved\t%d of %d; the minimum is %d\n", c.CopiesMoved, c.Slots*min(copies, c.MembersAfter), c.CopiesMovedMinimum)
	fmt.Fprintf(t, "primaries moved\t%d\n", c.PrimariesMoved)
	fmt.Fprintf(t, "heirs with a copy\t%.1f %%\n", 100*c.HeirsWithCopy)
	fmt.Fprintf(t, "busiest over mean\t%.2f\n", c.LoadMaxOverMean)
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "MEMBER\tZONE\tPRIMARY\t\tCOPIES\t\tRECEIVES")
	for _, m := range c.Members {
		fmt.Fprintf(t, "%s\t%s\t%d →\t%d\t%d →\t%d\t%d\n",
			m.Name, orDash(m.Zone), m.PrimariesBefore, m.PrimariesAfter, m.CopiesBefore, m.CopiesAfter, m.CopiesReceived)
	}
	return t.Flush()
}

// listed is names behind a heading, or nothing.
func listed(heading string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return heading + strings.Join(names, ", ")
}

// orDash makes an empty cell of a table visible.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
