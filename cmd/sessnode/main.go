package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/replica"
)

func main() { os.Exit(mainCode()) }

// mainCode runs the command line of this process. The first signal asks the command to end in good order, the second
// ends the process at once.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, self: os.Args[0]}
	return p.run(ctx, os.Args[1:])
}

// program is what a command reads from and writes to.
type program struct {
	in       io.Reader
	out, err io.Writer // results and conversation
	self     string    // what the user typed to run it
}

// typed is how hints call this program.
func (p *program) typed() string { return cmp.Or(p.self, "sessnode") }

// run runs one command line and returns its exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	if len(args) == 0 {
		fmt.Fprint(p.err, ffcli.DefaultUsageFunc(root))
		return exitUsage
	}
	chosen, name := find(root, args[0]), "sessnode"
	if chosen != root {
		args = slices.Concat(args[:1], idLast(args[1:]))
		name += " " + chosen.Name
		if len(args) > 1 && find(chosen, args[1]) != chosen {
			chosen = find(chosen, args[1])
			name += " " + chosen.Name
		}
	}
	err := parse(root, name, args)
	if err == nil {
		err = root.Run(ctx)
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(p.out, ffcli.DefaultUsageFunc(chosen))
		return exitOK
	}
	fmt.Fprintf(p.err, "%s: %s\n", name, oneLine(err))
	return exitCode(err)
}

// root is the whole command line.
func (p *program) root() *ffcli.Command {
	root := &ffcli.Command{
		Name:       "sessnode",
		ShortUsage: "sessnode COMMAND [flags]",
		ShortHelp:  "Sessions of web applications, replicated over a few nodes.",
		LongHelp: `EXAMPLES
  sessnode demo                   see it work: three nodes, a shop, and a button that kills nodes
  sessnode serve                  run a node on this machine; 'sessnode status' in another terminal
  sessnode serve -h               what a command does and the flags it has
  sessnode help exit-codes        what the exit codes mean`,
		FlagSet: newFlags("sessnode"),
		Exec: func(_ context.Context, args []string) error {
			return usageError{fmt.Errorf("unknown command %q: see 'sessnode help'", args[0])}
		},
	}
	root.Subcommands = []*ffcli.Command{
		p.serveCommand(), p.configCommand(), p.demoCommand(), p.statusCommand(), p.drainCommand(), p.forgetCommand(), p.conflictsCommand(),
		p.membersCommand(), p.slotsCommand(), p.topCommand(),
		p.getCommand(), p.destroyCommand(), p.ringCommand(), p.benchCommand(), p.chaosCommand(),
		p.keygenCommand(), p.shopCommand(), p.versionCommand(), p.helpCommand(root), p.completionCommand(root),
	}
	return root
}

// newFlags is an empty set of flags that leaves what goes wrong to its caller.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// fromEnvironment lets a command's flags be given as SESSNODE_FLAG.
func fromEnvironment() ff.Option { return ff.WithEnvVarPrefix("SESSNODE") }

// find is the subcommand of that name, or the command itself.
func find(c *ffcli.Command, name string) *ffcli.Command {
	i := slices.IndexFunc(c.Subcommands, func(sub *ffcli.Command) bool { return strings.EqualFold(sub.Name, name) })
	if i < 0 {
		return c
	}
	return c.Subcommands[i]
}

// parse reads the flags of the command called name; whatever is wrong with them is the user's error.
func parse(root *ffcli.Command, name string, args []string) error {
	err := root.Parse(args)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp), errors.Is(err, os.ErrPermission):
		return err
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w: name a file that exists with -config", err)
	}
	text := err.Error()
	for _, noise := range []string{"error parsing commandline arguments: ", "error parsing environment variables: error "} {
		text = strings.TrimPrefix(text, noise)
	}
	return usageError{fmt.Errorf("%s: see '%s -h'", text, name)}
}

// idLast moves a session's id behind the flags and a "--": users write it first, and one in 64 begins with a hyphen.
func idLast(args []string) []string {
	i := slices.IndexFunc(args, replica.WellFormedID)
	if i < 0 || slices.Contains(args, "--") {
		return args
	}
	return slices.Concat(args[:i], args[i+1:], []string{"--", args[i]})
}

// noArguments refuses what stands behind the flags.
func noArguments(args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q: remove it, or write the flag that it belongs to before it", args[0])}
	}
	return nil
}
