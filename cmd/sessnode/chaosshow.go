package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/chaos"
)

func (p *program) chaosShowCommand() *ffcli.Command {
	c := p.newOrder("show", "sessnode chaos show [-json|-env] [-lab NAME]", "what a lab has: its nodes, and the faults that hold")
	asJSON := c.flags.Bool("json", false, "print JSON")
	asEnv := c.flags.Bool("env", false, "print what a shell evaluates so that 'sessnode status' and others ask this lab")
	return c.command(`Each node says itself whom it sees. BIT counts the packets that a fault has dropped or delayed so far. "sessnode chaos status"
is the same.

EXAMPLE
  sessnode chaos show
  eval "$(sessnode chaos show -env)" && sessnode status -node $NODE_A`,
		func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			s, err := p.look(ctx, c.lab)
			switch {
			case err != nil:
				return err
			case *asJSON:
				return printJSON(p.out, s)
			case *asEnv:
				return printEnv(p.out, s)
			}
			return printLab(p.out, s)
		})
}

// look asks a lab what there is.
func (p *program) look(ctx context.Context, name string) (*chaos.Shown, error) {
	a, err := p.give(ctx, name, chaos.Order{Do: chaos.Show})
	if err != nil {
		return nil, err
	}
	if a.Lab == nil {
		return nil, fmt.Errorf("the lab's answer holds nothing: it may run another version of sessnode")
	}
	return a.Lab, nil
}

// printLab prints nodes and faults for people.
func printLab(w io.Writer, s *chaos.Shown) error {
	fmt.Fprintf(w, "lab %s, network %q, key in %s\n\n", s.Name, s.Network, s.KeyFile)
	if err := printNodes(w, s); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(s.Faults) > 0 {
		fmt.Fprintln(t, "FAULT\tFOR\tBIT")
	}
	for _, f := range s.Faults {
		bit := "-"
		if len(f.Links) > 0 {
			bit = fmt.Sprintf("%d packets", f.Packets)
		}
		fmt.Fprintf(t, "%s\t%v\t%s\n", f.Text, time.Since(f.Since).Round(time.Second), bit)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	switch {
	case len(s.Faults) > 0 && s.Lacking != "":
		fmt.Fprintf(w, "\nnot one cluster: %s\n", s.Lacking)
	case s.Lacking != "":
		fmt.Fprintf(w, "no fault holds; not one cluster yet: %s\n", s.Lacking)
	case len(s.Faults) == 0:
		fmt.Fprintln(w, "no fault holds; the nodes are one cluster with all copies")
	}
	return nil
}

// printEnv prints assignments for a shell: the settings of other commands, and the address of each node.
func printEnv(w io.Writer, s *chaos.Shown) error {
	fmt.Fprintf(w, "export SESSNODE_NODE=%s SESSNODE_KEY_FILE=%s\n", quoted(strings.Join(s.Addresses(), ",")), quoted(s.KeyFile))
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if _, err := fmt.Fprintf(w, "NODE_%s=%s\n", strings.ToUpper(n.Short), quoted(n.Address)); err != nil {
			return err
		}
	}
	return nil
}

// quoted is a word that a shell takes as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
