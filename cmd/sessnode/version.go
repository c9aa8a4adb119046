package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/peterbourgon/ff/v3/ffcli"
)

func (p *program) versionCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:       "version",
		ShortUsage: "sessnode version",
		ShortHelp:  "which build this is",
		LongHelp:   "EXAMPLE\n  sessnode version",
		FlagSet:    newFlags("version"),
		Exec: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			_, err := fmt.Fprintf(p.out, "sessnode %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// version is the module's version as the go command recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// helpCommand explains another command, or the exit codes.
func (p *program) helpCommand(root *ffcli.Command) *ffcli.Command {
	return &ffcli.Command{
		Name:       "help",
		ShortUsage: "sessnode help [COMMAND | exit-codes]",
		ShortHelp:  "explain a command, or the exit codes",
		LongHelp:   "EXAMPLE\n  sessnode help exit-codes",
		FlagSet:    newFlags("help"),
		Exec: func(_ context.Context, args []string) error {
			text := ffcli.DefaultUsageFunc(root)
			switch {
			case len(args) > 0 && args[0] == "exit-codes":
				text = exitHelp
			case len(args) > 0:
				command := find(root, args[0])
				if command == root {
					return usageError{fmt.Errorf("no help on %q: see 'sessnode help'", args[0])}
				}
				text = ffcli.DefaultUsageFunc(command)
			}
			_, err := fmt.Fprint(p.out, text)
			return err
		},
	}
}
