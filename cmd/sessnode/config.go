package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/peterbourgon/ff/v3/ffcli"
)

func (p *program) configCommand() *ffcli.Command {
	return &ffcli.Command{
		Name:       "config",
		ShortUsage: "sessnode config check FILE | sessnode config show [flags of serve]",
		ShortHelp:  "check a file of settings, or show where each setting of a node comes from",
		LongHelp: `A node's settings are the flags of serve. The file that -config names holds them in TOML, a setting on each line, by the
names of the flags; the environment holds them as SESSNODE_BIND and so on. A flag counts before the environment, the
environment before the file, and the file before the default.

EXAMPLE
  sessnode config check sessnode.toml
  sessnode config show -config sessnode.toml`,
		FlagSet:     newFlags("config"),
		Subcommands: []*ffcli.Command{p.configCheckCommand(), p.configShowCommand()},
		Exec: func(context.Context, []string) error {
			return usageError{errors.New("say what to do: 'sessnode config check FILE' or 'sessnode config show'")}
		},
	}
}

func (p *program) configCheckCommand() *ffcli.Command {
	flags := newFlags("check")
	asJSON := flags.Bool(jsonFlag, false, "print JSON")
	return &ffcli.Command{
		Name:       "check",
		ShortUsage: "sessnode config check [-json] FILE",
		ShortHelp:  "list every mistake in a file of settings, with its line and what to do about it",
		LongHelp: `Nothing is opened but FILE: whether addresses are free, and keys and directories exist, is seen when the node starts.
Without mistakes it ends with 0, otherwise with 3. Settings that the environment or flags add are not looked at, except
whether there is a key in ` + keyVariable + `.

EXAMPLE
  sessnode config check sessnode.toml`,
		FlagSet: flags,
		Exec: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("name one file: sessnode config check FILE")}
			}
			return p.configCheck(args[0], *asJSON)
		},
	}
}

// configReport is what `sessnode config check -json` prints.
type configReport struct {
	File     string    `json:"file"`
	Mistakes []mistake `json:"mistakes"` // in the order of lines; never nil
}

func (p *program) configCheck(file string, asJSON bool) error {
	found, err := checkSettings(file)
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(p.out, configReport{file, append([]mistake{}, found...)})
	} else {
		for _, m := range found {
			fmt.Fprintf(p.out, "%s:%s\n", file, m.Error())
		}
	}
	switch {
	case err != nil:
		return err
	case len(found) > 0:
		return configError{fmt.Errorf("mistakes in %s: %d", file, len(found))}
	case !asJSON:
		fmt.Fprintf(p.out, "%s: no mistakes\n", file)
	}
	return nil
}

func (p *program) configShowCommand() *ffcli.Command {
	flags := newFlags("show")
	var s serving
	s.define(flags)
	asJSON := flags.Bool(jsonFlag, false, "print JSON")
	return &ffcli.Command{
		Name:       "show",
		ShortUsage: "sessnode config show [-json] [flags of serve]",
		ShortHelp:  "show every setting that serve would start with, its value and where it comes from",
		LongHelp: `Give it the same flags and environment as serve. Keys are never shown.

EXAMPLE
  sessnode config show -config sessnode.toml -json`,
		FlagSet: flags,
		Exec: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			from, err := settle(flags)
			if err != nil {
				return err
			}
			return p.configShow(settingsOf(flags, from), *asJSON)
		},
	}
}

// setting is one setting as `sessnode config show -json` prints it.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"` // "flag", the environment variable, FILE:LINE, or "default"
	// Computed says what the default is where the node works it out as it starts, and the value here is empty or 0.
	Computed string `json:"computed,omitempty"`
}

// hidden stands for a key.
const hidden = "(not shown)"

// settingsOf lists all settings in the order of names, and the key if the environment has one.
func settingsOf(flags *flag.FlagSet, from origins) []setting {
	var all []setting
	flags.VisitAll(func(f *flag.Flag) {
		if f.Name == jsonFlag {
			return
		}
		s := setting{Name: f.Name, Value: f.Value.String(), From: cmp.Or(from[f.Name], "default")}
		if s.From == "default" && (s.Value == "" || s.Value == "0") {
			s.Computed = computedDefault(f)
		}
		if isSecret(s.Value) {
			s.Value = hidden
		}
		if f.Name == "key-file" && os.Getenv(keyVariable) != "" {
			all = append(all, setting{Name: "key", Value: hidden, From: keyVariable})
		}
		all = append(all, s)
	})
	return all
}

// computedDefault is what a flag's usage says of its default, if that is not one value.
func computedDefault(f *flag.Flag) string {
	_, text, _ := strings.Cut(f.Usage, "(default ")
	text, _, _ = strings.Cut(text, ")")
	return text
}

func (p *program) configShow(all []setting, asJSON bool) error {
	if asJSON {
		return printJSON(p.out, all)
	}
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SETTING\tVALUE\tFROM")
	for _, s := range all {
		value, from := cmp.Or(s.Value, "-"), s.From
		if s.Computed != "" {
			value, from = "-", from+": "+s.Computed
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, value, from)
	}
	return t.Flush()
}
