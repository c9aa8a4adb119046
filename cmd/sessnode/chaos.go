package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/chaos"
	"github.com/sessnode/sessnode/chaos/check"
	"github.com/sessnode/sessnode/chaos/control"
	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/chaos/lab"
)

// errViolation: the history shows something that no correct store does.
var errViolation = errors.New("a guarantee was violated")

func (p *program) chaosCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:       "chaos",
		ShortUsage: "sessnode chaos COMMAND [flags]",
		ShortHelp:  "break a real cluster, and have what its clients saw judged",
		LongHelp: `Nodes with default settings, in a network that can be cut, lossy and slow; clients that record every call and answer;
checkers that know that record alone. Or a cluster that is kept up for you to break by hand. See docs/CHAOS.md.

EXAMPLES
  sessnode chaos run -duration 60s -seed 7 -out /tmp/chaos
  sessnode chaos lab              and then in another terminal:
  sessnode chaos cut a,b c,d,e
  sessnode chaos show
  sessnode chaos heal`,
		FlagSet: newFlags("chaos"),
		Subcommands: slices.Concat([]*ffcli.Command{p.chaosRunCommand(), p.chaosJudgeCommand(), p.chaosLabCommand()}, p.orderCommands(),
			[]*ffcli.Command{p.chaosCleanCommand()}),
		Exec: func(_ context.Context, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("say run, judge, lab or another command: see 'sessnode chaos -h'")}
			}
			return usageError{fmt.Errorf("unknown command %q: see 'sessnode chaos -h'", args[0])}
		},
	}
}

// breaking is the flags of a run.
type breaking struct {
	options  chaos.Options
	schedule string
	asJSON   bool
}

func (b *breaking) define(flags *flag.FlagSet) {
	o := &b.options
	flags.IntVar(&o.Nodes, "nodes", 5, "`number` of nodes")
	flags.IntVar(&o.Clients, "clients", 4, "`number` of clients, each in a place of its own")
	flags.DurationVar(&o.Length, "duration", time.Minute, "how long the load lasts; healing and judging come after it")
	flags.Float64Var(&o.Rate, "rate", 150, "`actions` per second, whatever became of those before; some are several operations")
	flags.Uint64Var(&o.Seed, "seed", 0, "`number` that the faults are drawn from (default a random one, which is printed)")
	flags.StringVar(&b.schedule, "schedule", "", "`FILE` with the faults, one per line (default drawn from the seed)")
	flags.StringVar(&o.Network, "network", chaos.NetworkAuto, "`KIND` of network: namespaces, for Linux and root, switch, or auto for the better one")
	flags.StringVar(&o.Dir, "out", "", "`DIR` for history, verdicts and report (default a new temporary one)")
	flags.StringVar(&o.Binary, "binary", "", "`FILE` of the sessnode whose nodes are broken (default this one)")
	flags.BoolVar(&b.asJSON, "json", false, "print JSON")
}

func (p *program) chaosRunCommand() *ffcli.Command {
	flags := newFlags("run")
	var b breaking
	b.define(flags)
	return &ffcli.Command{
		Name:       "run",
		ShortUsage: "sessnode chaos run [-nodes 5] [-duration 60s] [-seed N] [-network auto] [-out DIR] [-json]",
		ShortHelp:  "break a cluster for a while and judge what its clients saw",
		LongHelp: `Exit code 1 means that a guarantee was violated, 0 that no violation was found; what could not be judged is said. Ctrl-C ends
the load; what there is until then is judged, and the exit code is 130 unless there was a violation. A run that takes longer
than the load, half of it and 15 minutes is given up: then the error says where it hung.

A schedule has one fault per line: when, what, whom, for how long.
  5s kill primary 4s                            12s cut node-1,node-2,client-1/node-3,client-2 8s
  20s pause node-1 3s                           30s loss * 10s share=20%
  25s isolate node-2 5s                         45s delay node-3 5s by=40ms jitter=20ms
Kinds: kill pause restart rolling cut isolate one-way ring bridge flap pull loss delay duplicate reorder skew join
stop-reading. The faults of a seed are printed so.

EXAMPLE
  sessnode chaos run -nodes 3 -duration 30s -network switch
  sessnode chaos run -schedule faults.txt -out /tmp/chaos`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			return p.chaosRun(ctx, b)
		},
	}
}

// chaosRun breaks a cluster and prints the result.
func (p *program) chaosRun(ctx context.Context, b breaking) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGPIPE) // a closed terminal or pipe must leave nothing behind either
	defer stop()
	if err := b.complete(); err != nil {
		return err
	}
	o := b.options
	o.Version = version()
	if err := explainChaos(o.Validate()); err != nil {
		return err
	}
	shown := p.runProgress()
	o.Say, o.Watch = shown.say, shown.show
	r, err := chaos.Run(ctx, o)
	shown.end()
	if r == nil {
		return explainChaos(err)
	}
	return errors.Join(p.chaosReport(r, b.asJSON, o.Dir), err, interrupted(ctx, r))
}

// complete reads the schedule and chooses a seed.
func (b *breaking) complete() error {
	o := &b.options
	if o.Seed == 0 {
		var random [4]byte // short enough to be typed
		if _, err := rand.Read(random[:]); err != nil {
			return err
		}
		o.Seed = uint64(binary.LittleEndian.Uint32(random[:]))
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(os.TempDir(), "sessnode-chaos-"+time.Now().Format("20060102-150405"))
	}
	if b.schedule == "" {
		return nil
	}
	f, err := os.Open(b.schedule)
	if err != nil {
		return configError{err}
	}
	defer f.Close()
	if o.Schedule, err = chaos.ParseSchedule(f); err != nil {
		return configError{fmt.Errorf("%s: %w", b.schedule, err)}
	}
	if o.Schedule == nil {
		o.Schedule = chaos.Schedule{}
	}
	return nil
}

// interrupted is why a run without a violation ended early.
func interrupted(ctx context.Context, r *chaos.Result) error {
	if r.Early && r.Violations() == 0 {
		return context.Cause(ctx)
	}
	return nil
}

// explainChaos says whose error it is.
func explainChaos(err error) error {
	switch {
	case errors.Is(err, chaos.ErrOptions), errors.Is(err, chaos.ErrOrder), errors.Is(err, control.ErrName):
		return usageError{err}
	case errors.Is(err, control.ErrDir), errors.Is(err, control.ErrUnsupported):
		return configError{err}
	case errors.Is(err, control.ErrTaken):
		return configError{fmt.Errorf("%w: end it with Ctrl-C, or give another one a name with -lab NAME", err)}
	case errors.Is(err, chaos.ErrSchedule):
		return configError{err}
	case errors.Is(err, lab.ErrUnsupported):
		return configError{fmt.Errorf("%w: use -network switch", err)}
	}
	return err
}

// chaosReport prints a result; errViolation if it shows one.
func (p *program) chaosReport(r *chaos.Result, asJSON bool, dir string) error {
	var err error
	if asJSON {
		err = printJSON(p.out, r)
	} else {
		err = r.Print(p.out)
	}
	if dir != "" {
		fmt.Fprintf(p.err, "results: %s\n", dir)
	}
	if r.Logs != "" {
		fmt.Fprintf(p.err, "logs of the nodes: %s\n", r.Logs)
	}
	if err == nil && r.Violations() > 0 {
		return fmt.Errorf("%w: %d checks found violations", errViolation, r.Violations())
	}
	return err
}

func (p *program) chaosJudgeCommand() *ffcli.Command {
	flags := newFlags("judge")
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "judge",
		ShortUsage: "sessnode chaos judge [-json] FILE",
		ShortHelp:  "judge a history that a run has saved once more",
		FlagSet:    flags,
		Exec: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name one history, as 'sessnode chaos run -out DIR' saves it in DIR/" + chaos.HistoryFile)}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return configError{err}
			}
			defer f.Close()
			h, err := history.ReadAll(f, 0)
			if err != nil {
				return configError{fmt.Errorf("%s: %w", args[0], err)}
			}
			r, err := chaos.JudgeHistory(h, check.Limits{})
			if err != nil {
				return err
			}
			return p.chaosReport(r, *asJSON, "")
		},
	}
}

func (p *program) chaosCleanCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:       "clean",
		ShortUsage: "sessnode chaos clean",
		ShortHelp:  "remove what runs and labs left that were killed",
		LongHelp: `What a lab of this user left: its socket, and the directory with logs and key. As root, what runs and labs left in the
kernel as well: processes, network namespaces, links. What runs is left alone.

EXAMPLE
  sessnode chaos clean`,
		FlagSet: newFlags("clean"),
		Exec: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			removed, err := cleanUp()
			for _, name := range removed {
				fmt.Fprintf(p.out, "removed %s\n", name)
			}
			if err == nil && len(removed) == 0 {
				fmt.Fprintln(p.out, "nothing was left")
			}
			return err
		},
	}
}

// cleanUp removes what killed labs left, as far as this user can see it.
func cleanUp() (removed []string, err error) {
	dir, err := control.Dir()
	if err != nil {
		return nil, configError{err}
	}
	removed, err = control.Clean(dir)
	if os.Geteuid() != 0 {
		return removed, err // what is in the kernel is root's
	}
	more, kernelErr := lab.Clean()
	return append(removed, more...), errors.Join(err, kernelErr)
}
