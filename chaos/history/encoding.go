package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// version is that of the format. A reader refuses any other.
const version = 1

// ErrVersion means that the lines are of another version of the format, or no history at all.
var ErrVersion = errors.New("not a history of version 1")

// Event is one line of a saved history: exactly one field is set.
type Event struct {
	Run       *Run       `json:"run,omitempty"` // the first event
	Operation *Operation `json:"operation,omitempty"`
	Fault     *Fault     `json:"fault,omitempty"`
	Split     *Split     `json:"split,omitempty"`
	Conflict  *Conflict  `json:"conflict,omitempty"`
	Final     *Final     `json:"final,omitempty"`
	Unlisted  string     `json:"unlisted,omitempty"`
}

// line is an event, or the last line, which shows that none is missing.
type line struct {
	Version int `json:"version,omitempty"` // beside Run
	Event
	End *end `json:"end,omitempty"`
}

type end struct {
	Lines int `json:"lines"` // before this one
}

// events is how many of the fields that stand alone are set.
func (l *line) events() int {
	count := 0
	for _, set := range []bool{
		l.Run != nil, l.Operation != nil, l.Fault != nil, l.Split != nil, l.Conflict != nil, l.Final != nil,
		l.Unlisted != "", l.End != nil,
	} {
		if set {
			count++
		}
	}
	return count
}

// Save writes a history as lines of JSON: what was run, one line for each event, and a last line with the number of
// lines. Durations are in nanoseconds. Texts must be UTF-8.
func (h *History) Save(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	lines := 0
	put := func(l line) error {
		lines++
		return e.Encode(l)
	}
	err := put(line{Version: version, Event: Event{Run: &h.Run}})
	for _, list := range []struct {
		count int
		event func(i int) Event
	}{
		{len(h.Faults), func(i int) Event { return Event{Fault: &h.Faults[i]} }},
		{len(h.Splits), func(i int) Event { return Event{Split: &h.Splits[i]} }},
		{len(h.Operations), func(i int) Event { return Event{Operation: &h.Operations[i]} }},
		{len(h.Conflicts), func(i int) Event { return Event{Conflict: &h.Conflicts[i]} }},
		{len(h.Unlisted), func(i int) Event { return Event{Unlisted: h.Unlisted[i]} }},
		{len(h.Finals), func(i int) Event { return Event{Final: &h.Finals[i]} }},
	} {
		for i := 0; i < list.count && err == nil; i++ {
			err = put(line{Event: list.event(i)})
		}
	}
	if err == nil {
		err = e.Encode(line{End: &end{lines}})
	}
	if err == nil {
		err = b.Flush()
	}
	if err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	return nil
}
