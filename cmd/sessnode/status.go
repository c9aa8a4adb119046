package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/node"
)

func (p *program) statusCommand() *ffcli.Command {
	flags := newFlags("status")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "status",
		ShortUsage: "sessnode status [flags]",
		ShortHelp:  "what a node sees: the members, who holds how much, what is missing",
		LongHelp: `"since start" counts what happened to slots on the node that is asked, lost ones among it. It needs the cluster key; a
client key is refused. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode status -node 10.0.0.1:7946 -key-file cluster.key`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
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
	addr := ""
	if nodes := splitList(conn.nodes); len(nodes) == 1 {
		addr = nodes[0]
	}
	defer p.waiting("asking " + conn.nodes)()
	return c.Status(ctx, addr)
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
	var s node.Status
	if err := json.Unmarshal(document, &s); err != nil {
		return fmt.Errorf("status: the node's answer: %w", err)
	}
	fmt.Fprintf(w, "%s at %s: %s; cluster %s\n\n", s.Node, s.Address, readiness(s), cmp.Or(s.Cluster, "not joined yet"))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "MEMBER\tADDRESS\tZONE\tPRIMARY\tBACKUP\tCONNECTED")
	for _, m := range s.Members {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\n", m.Name, m.Address, orDash(m.Zone), m.Primary, m.Backup, yesNo(m.Connected))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nslots    %d: %d unclaimed, %d short of a backup, %d with a dead primary\n",
		s.Slots.Total, s.Slots.Unclaimed, s.Slots.Short, s.Slots.Dead)
	fmt.Fprintf(w, "%s holds %d slots as primary, %d as backup, %d being fetched; %d sessions, %d bytes\n",
		s.Node, s.Held.Primary, s.Held.Backup, s.Held.Learner, s.Held.Sessions, s.Held.Bytes)
	return printEvents(w, s.Events)
}

// eventLost is the event of a slot that somebody claimed for whom no copy was left.
const eventLost = "slot claimed empty"

// printEvents prints what happened since the node's start, and what of it the operator must know of.
func printEvents(w io.Writer, events map[string]uint64) error {
	if len(events) == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nsince start")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(events)) {
		fmt.Fprintf(t, "  %s\t%d\n", name, events[name])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return warnOfLoss(w, events[eventLost])
}

func warnOfLoss(w io.Writer, slots uint64) error {
	var err error
	switch slots {
	case 0:
	case 1:
		_, err = fmt.Fprintln(w, "\nWARNING: 1 slot was lost with its sessions: every node that held it died")
	default:
		_, err = fmt.Fprintf(w, "\nWARNING: %d slots were lost with their sessions: every node that held them died\n", slots)
	}
	return err
}

func readiness(s node.Status) string {
	if s.Ready {
		return "ready"
	}
	return "not ready: " + s.Reason
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}
