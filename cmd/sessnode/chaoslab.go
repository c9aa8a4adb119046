package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/chaos"
	"github.com/sessnode/sessnode/chaos/control"
)

func (p *program) chaosLabCommand() *ffcli.Command {
	flags := newFlags("lab")
	var o chaos.KeepOptions
	flags.IntVar(&o.Nodes, "nodes", 5, "`number` of nodes")
	flags.StringVar(&o.Network, "network", chaos.NetworkAuto, "`KIND` of network: namespaces, for Linux and root, switch, or auto for the better one")
	flags.StringVar(&o.Dir, "keep", "", "new `DIR` for the nodes' logs and the key, which stays (default a temporary one)")
	flags.StringVar(&o.Name, "lab", control.DefaultName, "`NAME` of this lab, if there are several")
	flags.StringVar(&o.Binary, "binary", "", "`FILE` of the sessnode that the nodes run (default this one)")
	return &ffcli.Command{
		Name:       "lab",
		ShortUsage: "sessnode chaos lab [-nodes 5] [-network auto] [-keep DIR] [-lab NAME]",
		ShortHelp:  "keep a cluster up that can be broken by hand from another terminal",
		LongHelp: `It starts nodes with default settings, prints how to reach them, and shows each fault and what the nodes see of it, until
Ctrl-C. Applications on this machine may use the cluster meanwhile: they reach the nodes at the addresses printed, with the
key in the file printed.

EXAMPLE
  sessnode chaos lab -nodes 5
and in another terminal, as the same user:
  sessnode chaos cut a,b c,d,e
  eval "$(sessnode chaos show -env)" && sessnode status -node $NODE_A
  sessnode chaos heal`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			return p.chaosLab(ctx, o)
		},
	}
}

// chaosLab keeps a lab up until it is told to end, by whatever signal: a closed terminal or pipe must leave nothing behind either.
func (p *program) chaosLab(ctx context.Context, o chaos.KeepOptions) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE)
	defer stop()
	o.Say = func(format string, args ...any) {
		fmt.Fprintf(p.out, time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
	}
	o.Ready = func(s chaos.Shown) { p.printReady(&s) }
	return explainChaos(chaos.Keep(ctx, o))
}

// printReady tells what is up and how to use it.
func (p *program) printReady(s *chaos.Shown) {
	_ = printNodes(p.out, s) // whoever does not read it has gone, and is told by a signal
	which := ""
	if s.Name != control.DefaultName {
		which = " -lab " + s.Name
	}
	fmt.Fprintf(p.out, `
In another terminal, as the same user:
  %[1]s chaos cut%[2]s %[6]s      also: pull c, loss a 10%%, delay a 20ms, pause c, kill c; -h says more
  %[1]s chaos show%[2]s
  %[1]s chaos heal%[2]s
  eval "$(%[1]s chaos show%[2]s -env)" && %[1]s status -node $NODE_A
An application on this machine:
  nodes     %[3]s
  key file  %[4]s
  logs      %[5]s
Ctrl-C ends all of it.
`, p.typed(), which, strings.Join(s.Addresses(), ","), s.KeyFile, s.Dir, halves(s.Nodes))
}

// halves is a cut of the nodes into a smaller side and a larger one.
func halves(nodes []chaos.ShownNode) string {
	var all []string
	for i := range nodes {
		all = append(all, nodes[i].Short)
	}
	return strings.Join(all[:len(all)/2], ",") + " " + strings.Join(all[len(all)/2:], ",")
}

// printNodes prints the nodes of a lab as a table.
func printNodes(w io.Writer, s *chaos.Shown) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NODE\tSHORT\tADDRESS\tPROCESS\tPRIMARY\tBACKUP\tSTATE")
	for i := range s.Nodes {
		n := &s.Nodes[i]
		held := "-\t-"
		if n.Answers {
			held = fmt.Sprintf("%d\t%d", n.Primary, n.Backup)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", n.Name, n.Short, n.Address, process(n), held, n.Sight(len(s.Nodes)))
	}
	return t.Flush()
}

// process is a node's process id, while it has one.
func process(n *chaos.ShownNode) string {
	if n.PID == 0 {
		return "-"
	}
	return fmt.Sprint(n.PID)
}
