package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// serveFlags is the settings of serve, as they are by default.
func serveFlags() (*flag.FlagSet, *serving) {
	flags, s := newFlags("serve"), new(serving)
	s.define(flags)
	return flags, s
}

// A flag counts before the environment, that before the file, and that before the default.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.toml")
	if err := os.WriteFile(file, []byte("moves = 2\ntransfers = 2\n\nslots = 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SESSNODE_MOVES", "3")
	t.Setenv("SESSNODE_TRANSFERS", "3")
	t.Setenv("SESSNODE_ZONE", "")
	t.Setenv("SESSNODE_CONFIG", file)
	flags, s := serveFlags()
	if err := flags.Parse([]string{"-moves", "4"}); err != nil {
		t.Fatal(err)
	}
	from, err := settle(flags)
	if err != nil {
		t.Fatal(err)
	}
	want := origins{"moves": "flag", "transfers": "SESSNODE_TRANSFERS", "slots": file + ":4", "config": "SESSNODE_CONFIG"}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if c := s.conf; c.Moves.MovesMax != 4 || c.Moves.TransfersMax != 3 || c.Slots != 2 || c.MinCopies != 1 {
		t.Errorf("settings are %+v", c)
	}
}

// Every setting stands in the table of the guide, with the default that it has.
func TestSettingsAreExplained(t *testing.T) {
	guide, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for _, line := range strings.Split(string(guide), "\n") {
		if cells := strings.Split(line, " | "); len(cells) == 4 && strings.HasPrefix(cells[0], "| `") {
			rows[strings.Trim(cells[0], "| `")] = cells
		}
	}
	flags, _ := serveFlags()
	flags.VisitAll(func(f *flag.Flag) {
		row := rows[f.Name]
		delete(rows, f.Name)
		computed := f.DefValue == "" || f.DefValue == "0"
		switch {
		case row == nil:
			t.Errorf("docs/OPERATIONS.md does not explain %s", f.Name)
		case strings.TrimSpace(row[2]) == "" || strings.Trim(row[3], " |") == "":
			t.Errorf("docs/OPERATIONS.md does not say why %s is %s, or when to change it", f.Name, row[1])
		case !computed && strings.TrimSuffix(strings.TrimSuffix(row[1], "`"), "m") != "`"+strings.TrimSuffix(f.DefValue, "m0s"):
			t.Errorf("docs/OPERATIONS.md gives %s the default %s, it is %s", f.Name, row[1], f.DefValue)
		}
	})
	for name := range rows {
		t.Errorf("docs/OPERATIONS.md explains %s, which there is not", name)
	}
}

// The example can be used as it is, names every setting, and each line that is commented out can be used too.
func TestExampleFile(t *testing.T) {
	const file = "../../examples/sessnode.toml"
	found, err := checkSettings(file)
	if err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^# ([a-z-]+ = )`).ReplaceAll(text, []byte("$1"))
	flags, _ := serveFlags()
	entries, mistakes := parseSettings(text, flags)
	for _, m := range mistakes {
		t.Error(m)
	}
	named := map[string]bool{configFlag: true}
	for _, e := range entries {
		named[e.name] = true
		if err := flags.Set(e.name, e.value); err != nil {
			t.Errorf("line %d: %v", e.line, err)
		}
	}
	flags.VisitAll(func(f *flag.Flag) {
		if !named[f.Name] {
			t.Errorf("the example does not name %s", f.Name)
		}
	})
}

// What is not TOML is told, whatever it is, and hides nothing of what follows.
func TestSettingsFileGoesOn(t *testing.T) {
	flags, _ := serveFlags()
	for _, broken := range []string{"=", "bind", "bind = ", `bind = "`, "[", "[[x", "bind = {", "bind = [1,", "\x00", `zone = "\q"`, "a.b.c"} {
		_, mistakes := parseSettings([]byte("# above\n"+broken+"\nslots = true"), flags)
		if len(mistakes) == 0 || mistakes[0].Line < 2 || mistakes[len(mistakes)-1].Line != 3 {
			t.Errorf("%q: %v", broken, mistakes)
		}
	}
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte("bind = \"127.0.0.1:1\"\nslots = 1_0\n[x]\ny = 1"))
	f.Add([]byte("join = [\"a\", 'b']\nbudget = 1.5\n\"slots\" = 0x10"))
	f.Fuzz(func(t *testing.T, text []byte) {
		flags, _ := serveFlags()
		entries, mistakes := parseSettings(text, flags)
		lines := strings.Count(string(text), "\n") + 1
		for _, e := range entries {
			if e.line < 1 || e.line > lines || flags.Lookup(e.name) == nil {
				t.Errorf("entry %+v of %d lines", e, lines)
			}
		}
		for _, m := range mistakes {
			if m.Line < 1 || m.Line > lines || m.Problem == "" || m.Remedy == "" {
				t.Errorf("mistake %+v of %d lines", m, lines)
			}
		}
	})
}

func TestNearest(t *testing.T) {
	flags, _ := serveFlags()
	for name, want := range map[string]string{
		"bnd": "write bind", "min_copies": "write min-copies", "Slots": "write slots", "log_level": "write log-level",
		"something-else": "remove the line", "config": "remove the line", "x": "remove the line",
	} {
		if got := nearest(name, flags); !strings.HasPrefix(got, want) {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

// A mistake in one setting is told of that one, however many others there are.
func TestCulprits(t *testing.T) {
	var entries []entry
	for i, e := range [][2]string{{"backups", "2"}, {"min-copies", "3"}, {"moves", "-1"}, {"split", "guard"}, {"expect", "5"}, {"join", "nowhere"}} {
		entries = append(entries, entry{name: e[0], value: e[1], line: i + 1})
	}
	var got []string
	for _, m := range contradictions(entries) {
		got = append(got, fmt.Sprint(m.Line))
	}
	if diff := cmp.Diff("3 6", strings.Join(got, " ")); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
