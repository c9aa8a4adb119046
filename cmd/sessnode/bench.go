package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/bench"
)

// benching is the flags of a scenario.
type benching struct {
	asJSON bool
	check  bool
	out    string
	dir    string
	binary string
	from   string
	serve  string
}

// errTarget: -check was given and a target was missed.
var errTarget = errors.New("a target was missed")

func (p *program) benchCommand() *ffcli.Command {
	command := &ffcli.Command{
		Name:       "bench",
		ShortUsage: "sessnode bench SCENARIO [-json] [-out FILE] [-check]",
		ShortHelp:  "measure a cluster of real processes while something happens to it",
		LongHelp: `Each scenario starts its own nodes on loopback, with default settings and on free ports, and ends all of them. Figures
depend on the machine, and on what else it does.

EXAMPLE
  sessnode bench death
  sessnode bench all -out figures.json
  sessnode bench report figures.json > docs/BENCHMARKS.md`,
		FlagSet: newFlags("bench"),
		Exec: func(_ context.Context, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("no scenario is named: see 'sessnode bench -h'")}
			}
			return usageError{fmt.Errorf("unknown scenario %q: see 'sessnode bench -h'", args[0])}
		},
	}
	all := bench.Scenarios()
	for _, s := range all {
		command.Subcommands = append(command.Subcommands, p.scenarioCommand(s.Name, s.Title, s.Text, s))
	}
	command.Subcommands = append(command.Subcommands,
		p.scenarioCommand("all", "all of the above, about ten minutes", "All scenarios, one after another.", all...), p.reportCommand())
	return command
}

func (p *program) scenarioCommand(name, title, text string, scenarios ...bench.Scenario) *ffcli.Command {
	flags := newFlags(name)
	var b benching
	b.define(flags)
	if name == "rolling" {
		flags.StringVar(&b.from, "from", "", "`FILE` of an earlier sessnode, whose nodes are replaced by those of -binary (default -binary)")
	}
	return &ffcli.Command{
		Name:       name,
		ShortUsage: "sessnode bench " + name + " [-json] [-out FILE] [-check]",
		ShortHelp:  title,
		LongHelp:   text,
		FlagSet:    flags,
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			return p.bench(ctx, b, scenarios)
		},
	}
}

func (b *benching) define(flags *flag.FlagSet) {
	flags.BoolVar(&b.asJSON, "json", false, "print JSON")
	flags.BoolVar(&b.check, "check", false, "fail when a target is missed")
	flags.StringVar(&b.out, "out", "", "`FILE` for the figures as JSON; those of other scenarios in it stay")
	flags.StringVar(&b.dir, "dir", "", "`DIR` for the nodes' logs, which stay (default a temporary one)")
	flags.StringVar(&b.binary, "binary", "", "`FILE` of the sessnode whose nodes are measured (default this one)")
	flags.StringVar(&b.serve, "serve", "", "further `flags` of every node, with spaces between; without, it has its default settings")
}

// bench runs scenarios and prints their figures.
func (p *program) bench(ctx context.Context, b benching, scenarios []bench.Scenario) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP) // a closed terminal must leave nothing behind either
	defer stop()
	opt := bench.Options{Binary: b.binary, From: b.from, Dir: b.dir, Serve: strings.Fields(b.serve), Say: func(format string, args ...any) {
		fmt.Fprintf(p.err, format+"\n", args...)
	}}
	var results []bench.Result
	missed := 0
	for _, s := range scenarios {
		r, err := bench.Run(ctx, s, opt)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		r.Version = version()
		results = append(results, r)
		missed += r.Missed()
		if err := b.keep(r); err != nil {
			return err
		}
		if !b.asJSON {
			if err := r.Print(p.out); err != nil {
				return err
			}
		}
	}
	if b.asJSON {
		if err := printJSON(p.out, results); err != nil {
			return err
		}
	}
	if b.check && missed > 0 {
		return fmt.Errorf("%w: %d of the figures above", errTarget, missed)
	}
	return nil
}

// keep writes a result to the file of -out, in the place of an earlier one of the same scenario.
func (b *benching) keep(r bench.Result) error {
	if b.out == "" {
		return nil
	}
	results, err := readResults(b.out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	document, err := json.MarshalIndent(bench.Replace(results, r), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.out, append(document, '\n'), 0o666)
}

func readResults(file string) ([]bench.Result, error) {
	document, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var results []bench.Result
	if err := json.Unmarshal(document, &results); err != nil {
		return nil, fmt.Errorf("%s holds no figures: %w: name a file that 'sessnode bench -out' wrote", file, err)
	}
	return results, nil
}

func (p *program) reportCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:       "report",
		ShortUsage: "sessnode bench report FILE",
		ShortHelp:  "print the figures in a file that -out wrote as Markdown",
		FlagSet:    newFlags("report"),
		Exec: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name one file that 'sessnode bench -out' wrote")}
			}
			results, err := readResults(args[0])
			if err != nil {
				return err
			}
			return bench.Report(p.out, results)
		},
	}
}
