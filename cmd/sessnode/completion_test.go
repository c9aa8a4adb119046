package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// Every command and flag there is is completed in every shell.
func TestCompletionKnowsEverything(t *testing.T) {
	p := &program{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, complaint := run(t, "completion", shell)
		if code != exitOK {
			t.Fatalf("%s: exit code %d: %s", shell, code, complaint)
		}
		var look func(*ffcli.Command)
		look = func(c *ffcli.Command) {
			for _, sub := range c.Subcommands {
				if !strings.Contains(script, sub.Name) {
					t.Errorf("%s: no command %s", shell, sub.Name)
				}
				look(sub)
			}
			c.FlagSet.VisitAll(func(f *flag.Flag) {
				if !strings.Contains(script, "-"+f.Name) && !strings.Contains(script, "-o "+f.Name+" ") {
					t.Errorf("%s: no flag -%s of %s", shell, f.Name, c.Name)
				}
			})
		}
		look(p.root())
	}
	if code, _, complaint := run(t, "completion", "tcsh"); code != exitUsage || !strings.Contains(complaint, "bash, zsh or fish") {
		t.Errorf("tcsh: exit code %d: %s", code, complaint)
	}
}

// The shells themselves offer what should follow. One that is not installed is named in the log; bash is on every machine that
// builds this.
func TestCompletionInShells(t *testing.T) {
	file := filepath.Join(t.TempDir(), "completion")
	for _, shell := range []struct{ name, ask string }{
		{"bash", `source %s; COMP_WORDS=(sessnode %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _sessnode; printf '%%s\n' "${COMPREPLY[@]}"`},
		{"zsh", `compdef() { : }; _describe() { printf '%%s\n' "${(@)choices%%%%:*}" }; _files() { echo FILE }; source %s; words=(sessnode %s); CURRENT=${#words}; _sessnode`},
		{"fish", `source %s; complete -C"sessnode %s" | string split -f1 \t; or true`},
	} {
		if _, err := exec.LookPath(shell.name); err != nil {
			t.Logf("%s is not installed: its completion was only looked at", shell.name)
			continue
		}
		_, script, _ := run(t, "completion", shell.name)
		if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ words, want, not string }{
			{"''", "slots", "-state"},
			{"chaos ''", "run", "slots"},
			{"chaos run -", "-seed", "-state"},
			{"slots -", "-state", "-seed"},
			{"slots -json -", "-state", "-seed"},
			{"completion ''", "zsh", "slots"},
		} {
			words := c.words
			if shell.name == "fish" {
				words = strings.TrimSuffix(words, "''")
			}
			out, err := exec.Command(shell.name, "-c", fmt.Sprintf(shell.ask, file, words)).CombinedOutput()
			offered := "\n" + string(out)
			if err != nil || !strings.Contains(offered, "\n"+c.want+"\n") || strings.Contains(offered, "\n"+c.not+"\n") {
				t.Errorf("%s: sessnode %s: %v: want %s and not %s among:\n%s", shell.name, c.words, err, c.want, c.not, out)
			}
		}
	}
}
