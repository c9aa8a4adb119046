package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/node"
)

func (p *program) membersCommand() *ffcli.Command {
	flags := newFlags("members")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "members",
		ShortUsage: "sessnode members [flags]",
		ShortHelp:  "every member by its own word: version, health, load, moves, warnings",
		LongHelp: `All members are asked, so that it shows what 'sessnode status', which asks one, cannot: versions that differ, members that
see others than the rest do, who still moves what. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode members -node 10.0.0.1:7946 -key-file cluster.key`,
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
			all := askAll[node.Status](ctx, c, "status", "")
			if err := unable(all); err != nil {
				return err
			}
			report := memberReportOf(all)
			if *asJSON {
				err = printJSON(p.out, report)
			} else {
				err = printMembers(p.out, report, time.Now())
			}
			return cmp.Or(err, silence(report.Silent))
		},
	}
}

// memberReport is what `sessnode members -json` prints.
type memberReport struct {
	Silent   []string             `json:"silent"`   // members that did not answer
	Missing  []node.MissingStatus `json:"missing"`  // that any of the others looks for; never nil
	Members  []memberLine         `json:"members"`  // by name
	Warnings []string             `json:"warnings"` // of all, each with who says it; never nil
}

// memberLine is one member by its own word.
type memberLine struct {
	Name     string              `json:"name"`
	Address  string              `json:"address"`
	Zone     string              `json:"zone,omitempty"`
	Version  string              `json:"version"` // empty: it does not say
	Health   string              `json:"health"`  // ready, or why it is not
	Sees     int                 `json:"sees"`    // members, itself included
	Held     node.HeldStatus     `json:"held"`
	Progress node.ProgressStatus `json:"progress"`
	Admin    string              `json:"admin,omitempty"`
}

func memberReportOf(all []answered[node.Status]) memberReport {
	said := saidBy(all)
	r := memberReport{
		Silent: append([]string{}, silentOf(all)...), Missing: append([]node.MissingStatus{}, missingOf(said)...), Warnings: []string{},
	}
	by := map[string][]string{} // the names of those who say a warning
	for _, a := range all {
		if a.err != nil {
			continue
		}
		s := a.said
		r.Members = append(r.Members, memberLine{
			Name: s.Node, Address: s.Address, Zone: a.member.Zone, Version: s.Version, Health: readiness(s), Sees: len(s.Members),
			Held: s.Held, Progress: s.Progress, Admin: s.Admin,
		})
		for _, w := range s.Warnings {
			by[w] = append(by[w], s.Node)
		}
	}
	for w, names := range by {
		r.Warnings = append(r.Warnings, strings.Join(names, ", ")+": "+w)
	}
	slices.Sort(r.Warnings)
	return compared(r)
}

// compared adds the warnings that only who asked all can give.
func compared(r memberReport) memberReport {
	views := map[int]bool{}
	for _, m := range r.Members {
		views[m.Sees] = true
	}
	if len(views) > 1 {
		r.Warnings = append(r.Warnings, "members see different numbers of members: if this lasts, the network between some is cut")
	}
	return r
}

// printMembers prints a report for people.
func printMembers(w io.Writer, r memberReport, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MEMBER\tADDRESS\tZONE\tVERSION\tHEALTH\tSEES\tPRIMARY\tBACKUP\tSESSIONS\tBYTES\tMOVES LEFT")
	for _, m := range r.Members {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d%s%s\n", m.Name, m.Address, orDash(m.Zone), orDash(m.Version), m.Health,
			m.Sees, m.Held.Primary, m.Held.Backup, m.Held.Sessions, m.Held.Bytes, m.Progress.Left, new(pace).text(m.Progress, now), waitingFor(m.Progress.Waiting))
	}
	for _, m := range r.Missing {
		fmt.Fprintf(t, "%s\t%s\t-\t-\tmissing%s\t-\t-\t-\t-\t-\t-\n", m.Name, m.Address, since(m.Since))
	}
	for _, name := range r.Silent {
		fmt.Fprintf(t, "%s\t-\t-\t-\tno answer\t-\t-\t-\t-\t-\t-\n", name)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "\nWARNING: %s\n", warning)
	}
	return nil
}
