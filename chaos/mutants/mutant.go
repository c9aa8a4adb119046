package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mutant is one rule taken out.
type mutant struct {
	name      string
	rule      string
	guarantee string
	lab       []string // faults, lines of a schedule; none: the lab is not asked
	trial     string   // a test in the replay's world that is run first; empty: none
	edits     []edit
}

// edit is a change of one file.
type edit struct {
	file     string // from the root of the module, with slashes
	old, new string // whole lines
}

// errMutant means that a mutant does not fit the source any more, or is none.
var errMutant = errors.New("bad mutant")

// readMutants reads every mutant of a directory, in the order of names.
func readMutants(dir string) ([]mutant, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.diff"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%w: no *.diff in %s; run it in the root of the module", errMutant, dir))
	}
	slices.Sort(files)
	var all []mutant
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		m, err := parseMutant(strings.TrimSuffix(filepath.Base(f), ".diff"), string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// parseMutant reads one, as doc.go says.
func parseMutant(name, text string) (mutant, error) {
	m := mutant{name: name}
	head, body, _ := strings.Cut(text, "\n\n")
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "Rule":
			m.rule = value
		case "Guarantee":
			m.guarantee = value
		case "Lab":
			m.lab = append(m.lab, value)
		case "Trial":
			m.trial = value
		default:
			return m, fmt.Errorf("%w: %s: %q is none of Rule, Guarantee, Lab, Trial", errMutant, name, line)
		}
	}
	for line := range strings.Lines(body) {
		if err := m.take(line); err != nil {
			return m, err
		}
	}
	if m.rule == "" || m.guarantee == "" || len(m.edits) == 0 {
		return m, fmt.Errorf("%w: %s: it needs a Rule, a Guarantee and an edit", errMutant, name)
	}
	return m, nil
}

// take reads one line of the edits.
func (m *mutant) take(line string) error {
	if file, ok := strings.CutPrefix(line, "--- "); ok {
		m.edits = append(m.edits, edit{file: strings.TrimSpace(file)})
		return nil
	}
	if len(m.edits) == 0 {
		return fmt.Errorf("%w: %s: an edit begins with --- FILE, not %q", errMutant, m.name, line)
	}
	e, rest := &m.edits[len(m.edits)-1], line[1:]
	switch line[0] {
	case ' ':
		e.old += rest
		e.new += rest
	case '-':
		e.old += rest
	case '+':
		e.new += rest
	default:
		return fmt.Errorf("%w: %s: %q begins with none of ---, -, + and a space", errMutant, m.name, line)
	}
	return nil
}

// apply is the source of every file that the mutant changes, as it is then, by its name from the root.
func (m *mutant) apply(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.edits {
		source, ok := changed[e.file]
		if !ok {
			text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.file)))
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %w; name the file that has the rule now", errMutant, m.name, err)
			}
			source = string(text)
		}
		at := places(source, e.old)
		if len(at) != 1 {
			return nil, fmt.Errorf("%w: %s: what it changes is %d times in %s, want once; bring its lines with - and a space up to date:\n%s",
				errMutant, m.name, len(at), e.file, e.old)
		}
		changed[e.file] = source[:at[0]] + e.new + source[at[0]+len(e.old):]
	}
	return changed, nil
}

// places are the offsets at which whole lines begin in a source.
func places(source, lines string) (at []int) {
	for i := 0; i < len(source); i += strings.IndexByte(source[i:]+"\n", '\n') + 1 {
		if strings.HasPrefix(source[i:], lines) {
			at = append(at, i)
		}
	}
	return at
}

// overlay writes the changed files into dir, and the list of them that the Go tool takes; its name is returned.
func (m *mutant) overlay(root, dir string) (string, error) {
	changed, err := m.apply(root)
	if err != nil {
		return "", err
	}
	root, err = filepath.Abs(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, source := range changed {
		name := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(name, []byte(source), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(root, filepath.FromSlash(file))] = name
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, list, 0o644)
}
