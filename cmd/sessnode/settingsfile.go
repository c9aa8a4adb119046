package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2/unstable"
)

// settingsSizeMax bounds a file of settings.
const settingsSizeMax = 1 << 20

// entry is one setting in a file.
type entry struct {
	name  string
	value string // in the form that its flag takes
	line  int
	bad   bool // the value is none; a mistake says why
}

// mistake is something in a file that cannot be meant. It never repeats what may be a secret.
type mistake struct {
	Line    int    `json:"line"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
}

// Error is the mistake in one line, its number first.
func (m mistake) Error() string { return fmt.Sprintf("%d: %s: %s", m.Line, m.Problem, m.Remedy) }

// readSettings reads a file that names settings by their flags, in TOML. It returns the settings that there are, in the order
// of the file, and all mistakes; the error is that of reading.
func readSettings(file string, known *flag.FlagSet) ([]entry, []mistake, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: name a file that exists with -%s", err, configFlag)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, settingsSizeMax+1))
	if err != nil {
		return nil, nil, configError{err}
	}
	if len(text) > settingsSizeMax {
		return nil, nil, configError{fmt.Errorf("%s has more than %d bytes: name the right file", file, settingsSizeMax)}
	}
	entries, mistakes := parseSettings(text, known)
	return entries, mistakes, nil
}

// parseSettings is readSettings of a text.
func parseSettings(text []byte, known *flag.FlagSet) ([]entry, []mistake) {
	r := settingsReader{known: known, seen: map[string]int{}}
	for text != nil {
		text = r.read(text)
	}
	slices.SortStableFunc(r.mistakes, func(a, b mistake) int { return cmp.Compare(a.Line, b.Line) })
	return r.entries, r.mistakes
}

// settingsReader gathers what a file says.
type settingsReader struct {
	parser   unstable.Parser
	above    int // lines above those that the parser was given
	known    *flag.FlagSet
	seen     map[string]int // lines, by the settings named
	entries  []entry
	mistakes []mistake
	inTable  bool // what follows belongs to a table, which has been refused
}

// read takes what is TOML up to the first line that is not, and returns what is below that; nil at the end.
func (r *settingsReader) read(text []byte) (rest []byte) {
	r.parser.Reset(slices.Clip(text)) // so that where the parser failed can be told from the capacity of what is left
	for r.parser.NextExpression() {
		r.expression(r.parser.Expression())
	}
	failed, ok := errors.AsType[*unstable.ParserError](r.parser.Error())
	if !ok {
		return nil
	}
	at := r.parser.Range(failed.Highlight)
	r.wrong(r.lineOf(at), `write a setting as NAME = VALUE, text in "quotes"`, "not TOML: %s", failed.Message)
	end := bytes.IndexByte(text[at.Offset:], '\n')
	if end < 0 {
		return nil
	}
	below := int(at.Offset) + end + 1
	r.above += bytes.Count(text[:below], []byte{'\n'})
	return text[below:]
}

// lineOf is the line of the file in which a range begins.
func (r *settingsReader) lineOf(at unstable.Range) int {
	return r.above + r.parser.Shape(at).Start.Line
}

func (r *settingsReader) wrong(line int, remedy, problem string, args ...any) {
	r.mistakes = append(r.mistakes, mistake{line, fmt.Sprintf(problem, args...), remedy})
}

// expression takes one expression of the file.
func (r *settingsReader) expression(n *unstable.Node) {
	if n.Kind == unstable.Comment || r.inTable && n.Kind == unstable.KeyValue {
		return
	}
	var names []string
	line := 0
	for keys := n.Key(); keys.Next(); {
		if line == 0 {
			line = r.lineOf(keys.Node().Raw)
		}
		names = append(names, string(keys.Node().Data))
	}
	name := strings.Join(names, ".")
	if r.inTable = n.Kind != unstable.KeyValue; r.inTable {
		r.wrong(line, "remove the line, settings stand in no table", "table [%s]", name)
		return
	}
	r.keyValue(line, name, n.Value())
}

func (r *settingsReader) keyValue(line int, name string, value *unstable.Node) {
	f := r.known.Lookup(name)
	if f == nil || !isSetting(name) {
		r.wrong(line, nearest(name, r.known), "unknown setting %q", name)
		return
	}
	if first := r.seen[name]; first > 0 {
		r.wrong(line, "keep one of the two", "%s was set in line %d already", name, first)
		return
	}
	r.seen[name] = line
	text, ok := valueOf(f, value)
	secret := isSecret(text)
	r.entries = append(r.entries, entry{name, text, line, !ok || secret})
	switch {
	case !ok:
		r.wrong(line, howToWrite(f), "%s has a value of the wrong type, %s", name, strings.ToLower(value.Kind.String()))
	case secret:
		r.wrong(line, "put it into a file that only the node's user can read, and name that", "%s is a key itself", name)
	}
}

// valueOf is a value in the form that a flag takes, if it is of the flag's type.
func valueOf(f *flag.Flag, value *unstable.Node) (text string, ok bool) {
	text = string(value.Data)
	if _, list := f.Value.(*addressList); list && value.Kind == unstable.Array {
		var all []string
		for elements := value.Children(); elements.Next(); {
			if elements.Node().Kind != unstable.String {
				return "", false
			}
			all = append(all, string(elements.Node().Data))
		}
		return strings.Join(all, ","), true
	}
	switch typeOf(f).(type) {
	case int:
		return text, value.Kind == unstable.Integer
	case float64:
		return strings.ReplaceAll(text, "_", ""), value.Kind == unstable.Integer || value.Kind == unstable.Float
	case bool:
		return text, value.Kind == unstable.Bool
	case byteCount:
		return strings.ReplaceAll(text, "_", ""), value.Kind == unstable.Integer || value.Kind == unstable.String
	}
	return text, value.Kind == unstable.String
}

// typeOf is a value of the type of a flag's; nil: text of its own form.
func typeOf(f *flag.Flag) any {
	switch v := f.Value.(type) {
	case *byteCount:
		return *v
	case flag.Getter:
		return v.Get()
	}
	return nil
}

// howToWrite is the remedy for a value of the wrong type.
func howToWrite(f *flag.Flag) string {
	switch typeOf(f).(type) {
	case int:
		return "write a whole number without quotes, such as " + f.Name + " = 8"
	case float64:
		return "write a number without quotes, such as " + f.Name + " = 2.5"
	case bool:
		return "write true or false without quotes"
	case time.Duration:
		return "write a duration in quotes, such as " + f.Name + ` = "10s"`
	case byteCount:
		return "write bytes, such as " + f.Name + ` = "8MiB"`
	}
	if _, list := f.Value.(*addressList); list {
		return "write a list, such as " + f.Name + ` = ["one", "two"]`
	}
	return "write text in quotes, such as " + f.Name + ` = "…"`
}

// badValue is the mistake of a value that its flag refused.
func badValue(e entry, known *flag.FlagSet, refused error) mistake {
	switch known.Lookup(e.name).Value.(type) {
	case *quotas, limits, *logLevel: // these say what to write
		return mistake{e.line, fmt.Sprintf("%s = %q", e.name, e.value), refused.Error()}
	}
	remedy := howToWrite(known.Lookup(e.name))
	if _, ok := typeOf(known.Lookup(e.name)).(byteCount); ok {
		refused = errors.New("no number of bytes")
	}
	return mistake{e.line, fmt.Sprintf("%s = %q: %v", e.name, e.value, refused), remedy}
}

// nearest names the setting that an unknown one may be meant for.
func nearest(name string, known *flag.FlagSet) string {
	best, least := "", max(2, len(name)/3)+1
	known.VisitAll(func(f *flag.Flag) {
		if d := distance(strings.ToLower(strings.ReplaceAll(name, "_", "-")), f.Name); d < least && isSetting(f.Name) {
			best, least = f.Name, d
		}
	})
	if best == "" {
		return "remove the line, or see 'sessnode serve -h' for the settings that there are"
	}
	return "write " + best
}

// distance is how many letters must be changed, added or removed to make one word of another.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
