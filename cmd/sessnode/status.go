package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/node"
)

func (p *program) statusCommand() *ffcli.Command {
	flags := newFlags("status")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	watch := flags.Bool("watch", false, "show it again every second, in place on a terminal")
	safe := flags.Bool("wait-safe", false, "ask all members, and wait until any one of them may be stopped; -timeout is then 5m by default")
	return &ffcli.Command{
		Name:       "status",
		ShortUsage: "sessnode status [flags]",
		ShortHelp:  "what a node sees: the members, who holds how much, what is missing",
		LongHelp: `"since start" counts what happened to slots on the node that is asked, lost ones among it. It needs the cluster key; a
client key is refused. Flags may also be given as SESSNODE_NODE and so on.

With -watch it is shown again every second, with an estimate of how long moves take, until Ctrl-C. It is what one node sees:
'sessnode members' asks all for their versions and load, 'sessnode slots' for each slot, 'sessnode top' for what keeps them busy.

With -wait-safe it ends with 0 as soon as any one node may be stopped: nothing would be lost, and no slot would be without
a copy. All members must answer and agree who is there; every slot must be claimed and have all its backups, and no copy
may be in the making or still to be merged. Members that are missing are given 10 s to come back, so that right after a
split has healed the other side is waited for; then the answer speaks of those that are there, and names the missing.
'sessnode forget' saves that wait. It says what it waits for, and ends with 4 when -timeout is over. It speaks of the
moment: whatever stops a second node afterwards has to ask again.

EXAMPLE
  sessnode status -node 10.0.0.1:7946 -key-file cluster.key
  sessnode status -watch
  sessnode status -wait-safe -timeout 10m && systemctl restart sessnode`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if *safe {
				if !isGiven(flags, "timeout") {
					conn.timeout = safeTimeout
				}
				return p.waitSafe(ctx, conn, *asJSON)
			}
			switch {
			case *watch && *asJSON:
				return errWatchJSON
			case *watch:
				return p.watchStatus(ctx, conn)
			}
			document, err := p.askStatus(ctx, conn)
			if err != nil {
				return err
			}
			return printStatus(p.out, document, *asJSON)
		},
	}
}

// askStatus is the status that the node named, or the first of several that answers, has of itself.
func (p *program) askStatus(ctx context.Context, conn connection) ([]byte, error) {
	c, err := p.dial(ctx, conn)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	defer p.waiting("asking " + conn.nodes)()
	return c.Status(ctx, conn.only())
}

// watchStatus shows a node's status until ctx is done, over one connection.
func (p *program) watchStatus(ctx context.Context, conn connection) error {
	c, err := p.dial(ctx, conn)
	if err != nil {
		return err
	}
	defer c.Close()
	var pace pace
	return p.again(ctx, func(ctx context.Context, w io.Writer) error {
		document, err := c.Status(ctx, conn.only())
		if err != nil {
			return err
		}
		return printStatusOf(w, document, &pace)
	})
}

// printStatus prints a node's status as it came, or for people.
func printStatus(w io.Writer, document []byte, asJSON bool) error {
	if asJSON {
		var b bytes.Buffer
		if err := json.Indent(&b, document, "", "  "); err != nil {
			return fmt.Errorf("status: the node's answer: %w", err)
		}
		_, err := fmt.Fprintln(w, b.String())
		return err
	}
	return printStatusOf(w, document, new(pace))
}

// printStatusOf prints a node's status for people, with how long what is under way takes at the pace seen so far.
func printStatusOf(w io.Writer, document []byte, seen *pace) error {
	var s node.Status
	if err := json.Unmarshal(document, &s); err != nil {
		return fmt.Errorf("status: the node's answer: %w", err)
	}
	fmt.Fprintf(w, "%s at %s: %s; cluster %s\n\n", s.Node, s.Address, readiness(s), cmp.Or(s.Cluster, "not joined yet"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MEMBER\tADDRESS\tZONE\tVERSION\tPRIMARY\tBACKUP\tCONNECTED")
	for _, m := range s.Members {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%d\t%s\n", m.Name, m.Address, orDash(m.Zone), orDash(m.Version), m.Primary, m.Backup, stateOf(m))
	}
	for _, m := range s.Missing {
		fmt.Fprintf(t, "%s\t%s\t-\t-\t-\t-\tmissing%s\n", m.Name, m.Address, since(m.Since))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nslots    %d: %d unclaimed, %d short of a backup, %d with a dead primary, %d with a single copy\n",
		s.Slots.Total, s.Slots.Unclaimed, s.Slots.Short, s.Slots.Dead, s.Slots.Sole)
	if s.Version != "" {
		fmt.Fprintf(w, "at home  %d of %d\n", s.Slots.Home, s.Slots.Total)
	}
	fmt.Fprintf(w, "%s holds %d slots as primary, %d as backup, %d being fetched; %d sessions, %d bytes\n",
		s.Node, s.Held.Primary, s.Held.Backup, s.Held.Learner, s.Held.Sessions, s.Held.Bytes)
	if s.Memory.LimitBytes > 0 {
		fmt.Fprintf(w, "its sessions take %s of %s\n", size(s.Memory.UsedBytes), size(s.Memory.LimitBytes))
	}
	printUnderWay(w, s, seen.text(s.Progress, time.Now()))
	if s.Admin != "" {
		fmt.Fprintf(w, "admin listener at %s\n", s.Admin)
	}
	if err := printEvents(w, s.Events); err != nil {
		return err
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(w, "\nWARNING: %s\n", warning)
	}
	return nil
}

// printUnderWay prints what changes of membership still ask of a node, if anything.
func printUnderWay(w io.Writer, s node.Status, toGo string) {
	p := s.Progress
	if p.Left+p.Restoring+p.Moving > 0 || p.Waiting != "" {
		fmt.Fprintf(w, "under way: %d copies being restored, %d slots being moved home; %d slots left, %s%s%s\n",
			p.Restoring, p.Moving, p.Left, size(p.LeftBytes), toGo, waitingFor(p.Waiting))
	}
	if p.Pauses > 0 {
		fmt.Fprintf(w, "the last %d hand-offs: pause of %.1f ms at the median, %.1f ms at the 99th percentile\n",
			p.Pauses, p.PauseP50MS, p.PauseP99MS)
	}
}

func waitingFor(what string) string {
	if what == "" {
		return ""
	}
	return "; waiting: " + what
}

// size is a number of bytes as people read it.
func size(bytes int) string {
	switch {
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.Local().Format(time.DateTime)
}

// printEvents prints what happened since the node's start.
func printEvents(w io.Writer, events map[string]uint64) error {
	if len(events) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nsince start")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(events)) {
		fmt.Fprintf(t, "  %s\t%d\n", name, events[name])
	}
	return t.Flush()
}

func readiness(s node.Status) string {
	if s.Ready {
		return "ready"
	}
	return "not ready: " + s.Reason
}

// stateOf is whether the node that was asked is connected to a member, and if that is about to leave.
func stateOf(m node.MemberStatus) string {
	state := "no"
	if m.Connected {
		state = "yes"
	}
	if m.Draining {
		state += ", draining"
	}
	if m.ClockOff {
		state += ", clock off"
	}
	return state
}

// isGiven reports whether a flag was given on the command line or in the environment.
func isGiven(flags *flag.FlagSet, name string) bool {
	given := false
	flags.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}
