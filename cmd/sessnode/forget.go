package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// What forget refuses.
var (
	errAliveMember   = errors.New("is alive")
	errUnknownMember = errors.New("no member that is gone has this name")
)

func (p *program) forgetCommand() *ffcli.Command {
	flags := newFlags("forget")
	var conn connection
	conn.define(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "forget",
		ShortUsage: "sessnode forget [flags] NAME",
		ShortHelp:  "look no more for a member that will never return",
		LongHelp: `A member that died without leaving is looked for, for ever, so that a cluster finds itself again after any split; 'sessnode
status' lists it as missing. This tells every member that it will not return. It moves no session and shuts nobody out: a
member that returns all the same is let in. One that is alive is refused: drain it instead. Members that cannot be told go
on looking: run the command again when they are back. A node that has the address in its -join looks for it again after
its next start. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode forget -node 10.0.0.1:7946 -key-file cluster.key node-3`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			switch {
			case len(args) == 0:
				return usageError{errors.New("no member is named: 'sessnode status' lists those that are missing")}
			case len(args) > 1:
				return usageError{fmt.Errorf("unexpected argument %q: write flags before the member's name", args[1])}
			}
			c, err := p.dial(ctx, conn)
			if err != nil {
				return err
			}
			defer c.Close()
			defer p.waiting("telling every member")()
			result, err := forget(ctx, c, args[0])
			if err != nil {
				return err
			}
			return p.printForgotten(result, *asJSON)
		},
	}
}

// forgotten is what `sessnode forget -json` prints.
type forgotten struct {
	Name    string   `json:"name"`
	Told    []string `json:"told"`    // members that look for it no more
	Untold  []string `json:"untold"`  // members that did not answer
	Missing []string `json:"missing"` // other members that are gone, and would look for it when they return
}

// forget tells every member, when all that answer agree that the one named is gone.
func forget(ctx context.Context, c *client.Client, name string) (forgotten, error) {
	result := forgotten{Name: name, Told: []string{}, Untold: []string{}, Missing: []string{}}
	asked := askAll[node.Status](ctx, c, "status", "")
	if err := unable(asked); err != nil {
		return result, err
	}
	known := false
	for _, m := range missingOf(saidBy(asked)) {
		if m.Name == name {
			known = true
		} else {
			result.Missing = append(result.Missing, m.Name)
		}
	}
	for _, s := range saidBy(asked) {
		for _, m := range s.Members {
			if m.Name == name {
				return result, fmt.Errorf("%s %w, %s sees it at %s: drain it instead, with 'sessnode drain -node %s'",
					name, errAliveMember, s.Node, m.Address, m.Address)
			}
		}
	}
	if !known {
		return result, fmt.Errorf("%q: %w: %s", name, errUnknownMember, listGone(result.Missing, silentOf(asked)))
	}
	told := askAll[node.Forgotten](ctx, c, "forget", name)
	for _, f := range saidBy(told) {
		result.Told = append(result.Told, f.Node)
	}
	result.Untold = append(result.Untold, untold(result.Told, namesOf(asked), namesOf(told))...)
	return result, nil
}

// untold is the names in any of the lists that are not among those told: one that was silent at first may be taken for dead
// a moment later.
func untold(told []string, lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return slices.Contains(told, name) })
}

// listGone says which names there are to choose from.
func listGone(missing, silent []string) string {
	text := "nobody is missing"
	if len(missing) > 0 {
		text = "missing are " + strings.Join(missing, ", ")
	}
	if len(silent) > 0 {
		text += "; not asked, because they did not answer: " + strings.Join(silent, ", ")
	}
	return text
}

// printForgotten says who was told. That somebody was not is an error.
func (p *program) printForgotten(f forgotten, asJSON bool) error {
	if asJSON {
		if err := printJSON(p.out, f); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.out, "%s is forgotten by %s\n", f.Name, strings.Join(f.Told, ", "))
	}
	if len(f.Missing) > 0 {
		fmt.Fprintf(p.err, "not told, because they are gone too: %s; when one of them returns, run this again\n", strings.Join(f.Missing, ", "))
	}
	if len(f.Untold) > 0 {
		return explain(errNotInTime, "not told, because there was no answer: %s: run this again", strings.Join(f.Untold, ", "))
	}
	return nil
}
