package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/chaos"
	"github.com/sessnode/sessnode/chaos/control"
)

// whoIsWho explains names, for the help of each command.
const whoIsWho = `
Nodes are named node-3, 3 or c for the third one. host is this machine: what runs on it outside of the lab.`

// orderCommands are those that act on a lab that is kept up.
func (p *program) orderCommands() []*ffcli.Command {
	status := p.chaosShowCommand()
	status.Name, status.ShortUsage, status.ShortHelp = "status", "sessnode chaos status [-json|-env] [-lab NAME]", "the same as show"
	return []*ffcli.Command{
		p.cutCommand(),
		p.nodeCommand(chaos.Pull, "pull the cord of a node: nothing comes or goes", "c"),
		p.lossCommand(), p.delayCommand(),
		p.nodeCommand(chaos.Pause, "let a node stand still (SIGSTOP)", "c"),
		p.nodeCommand(chaos.Resume, "let a paused node go on", "c"),
		p.nodeCommand(chaos.Kill, "kill a node (SIGKILL)", "c"),
		p.nodeCommand(chaos.Start, "start a node again that is dead", "c"),
		p.healCommand(), p.chaosShowCommand(), status,
	}
}

// order is a command for a lab.
type order struct {
	name, usage, help string
	flags             *flag.FlagSet
	lab               string
}

func (p *program) newOrder(name, usage, help string) *order {
	c := &order{name: name, usage: usage, help: help, flags: newFlags(name)}
	c.flags.StringVar(&c.lab, "lab", control.DefaultName, "`NAME` of the lab, if there are several")
	return c
}

// command is what a command line finds. Flags may stand behind arguments.
func (c *order) command(long string, do func(ctx context.Context, args []string) error) *ffcli.Command {
	return &ffcli.Command{Name: c.name, ShortUsage: c.usage, ShortHelp: c.help, LongHelp: long, FlagSet: c.flags,
		Exec: func(ctx context.Context, args []string) error {
			args, err := flagsBehind(c.flags, args)
			if err != nil {
				return err
			}
			return do(ctx, args)
		}}
}

// flagsBehind parses flags that stand behind or between arguments, and returns the arguments.
func flagsBehind(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		if !strings.HasPrefix(args[0], "-") || args[0] == "-" {
			rest, args = append(rest, args[0]), args[1:]
			continue
		}
		if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, err
		} else if err != nil {
			return nil, usageError{fmt.Errorf("%w: see 'sessnode chaos %s -h'", err, flags.Name())}
		}
		args = flags.Args()
	}
	return rest, nil
}

// give gives an order.
func (p *program) give(ctx context.Context, lab string, o chaos.Order) (chaos.Answer, error) {
	defer p.waiting("waiting for the lab")()
	a, err := chaos.Give(ctx, lab, o)
	return a, explainChaos(err)
}

// order gives an order and prints what was done.
func (p *program) order(ctx context.Context, lab string, o chaos.Order) error {
	a, err := p.give(ctx, lab, o)
	for _, line := range a.Said {
		fmt.Fprintln(p.out, line)
	}
	return err
}

func (p *program) cutCommand() *ffcli.Command {
	c := p.newOrder(string(chaos.Cut), "sessnode chaos cut SIDE SIDE [-one-way] [-lab NAME]", "cut two sides off from each other")
	oneWay := c.flags.Bool("one-way", false, "only what the first side sends does not reach the second")
	return c.command(`A side is names with commas. Whoever is on no side reaches both, and so does this machine, with the applications on it,
unless host is on a side.`+whoIsWho+`

EXAMPLE
  sessnode chaos cut a,b c,d,e
  sessnode chaos cut a,b,host c,d,e
  sessnode chaos cut a b -one-way`,
		func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return usageError{errors.New("name two sides, as in: sessnode chaos cut a,b c,d,e")}
			}
			o := chaos.Order{Do: chaos.Cut, Whom: splitList(args[0]), Against: splitList(args[1])}
			if *oneWay {
				o.Do = chaos.OneWay
			}
			return p.order(ctx, c.lab, o)
		})
}

// nodeCommand is a command that concerns one node.
func (p *program) nodeCommand(do chaos.Kind, help, example string) *ffcli.Command {
	c := p.newOrder(string(do), fmt.Sprintf("sessnode chaos %s NODE [-lab NAME]", do), help)
	return c.command(fmt.Sprintf("It stays so until it is healed, or the other command undoes it.%s\n\nEXAMPLE\n  sessnode chaos %s %s", whoIsWho, do, example),
		func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("name one node, as in: sessnode chaos %s %s", do, example)}
			}
			return p.order(ctx, c.lab, chaos.Order{Do: do, Whom: args})
		})
}

func (p *program) lossCommand() *ffcli.Command {
	c := p.newOrder(string(chaos.Loss), "sessnode chaos loss NODE SHARE [-lab NAME]", "lose a share of the packets to and from a node")
	return c.command("At most 30 %. An asterisk, quoted, stands for all nodes."+whoIsWho+`

EXAMPLE
  sessnode chaos loss a 10%
  sessnode chaos loss '*' 1.5%`,
		func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return usageError{errors.New("name a node and a share, as in: sessnode chaos loss a 10%")}
			}
			digits, isPercent := strings.CutSuffix(args[1], "%")
			percent, err := strconv.ParseFloat(digits, 64)
			if err != nil || !isPercent {
				return usageError{fmt.Errorf("%q is no share: write 10%%", args[1])}
			}
			return p.order(ctx, c.lab, chaos.Order{Do: chaos.Loss, Whom: args[:1], Share: percent / 100})
		})
}

func (p *program) delayCommand() *ffcli.Command {
	c := p.newOrder(string(chaos.Delay), "sessnode chaos delay NODE TIME [-jitter TIME] [-lab NAME]", "have packets to and from a node arrive later")
	jitter := c.flags.Duration("jitter", 0, "how much later still, at random")
	return c.command("At most 1s each. An asterisk, quoted, stands for all nodes."+whoIsWho+`

EXAMPLE
  sessnode chaos delay a 20ms -jitter 5ms`,
		func(ctx context.Context, args []string) error {
			if len(args) != 2 {
				return usageError{errors.New("name a node and a time, as in: sessnode chaos delay a 20ms")}
			}
			by, err := time.ParseDuration(args[1])
			if err != nil {
				return usageError{fmt.Errorf("%q is no time: write 20ms", args[1])}
			}
			return p.order(ctx, c.lab, chaos.Order{Do: chaos.Delay, Whom: args[:1], By: by, Jitter: *jitter})
		})
}

func (p *program) healCommand() *ffcli.Command {
	c := p.newOrder(string(chaos.Heal), "sessnode chaos heal [NODE…] [-wait] [-lab NAME]", "end all faults, or those of some nodes")
	wait := c.flags.Bool("wait", false, "until the nodes are one cluster again, with all copies; for a minute at most")
	return c.command(`Links are mended, cords plugged in, paused nodes go on and dead ones are started. A fault of several nodes ends for all of them,
also if one of them is named. The lab says when the nodes are one cluster again.`+whoIsWho+`

EXAMPLE
  sessnode chaos heal -wait
  sessnode chaos heal c`,
		func(ctx context.Context, args []string) error {
			var names []string
			for _, arg := range args {
				names = append(names, splitList(arg)...)
			}
			return p.order(ctx, c.lab, chaos.Order{Do: chaos.Heal, Whom: names, Wait: *wait})
		})
}
