package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// LineMax bounds a line of a saved history, in bytes.
const LineMax = 8 << 20

// Reader reads a saved history event by event. Not for use by several goroutines at once.
type Reader struct {
	lines *bufio.Scanner
	count int // lines read
	ended bool
}

// NewReader returns a reader of what [History.Save] wrote.
func NewReader(r io.Reader) *Reader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), LineMax)
	return &Reader{lines: s}
}

// Next is the next event; the first one is the Run. io.EOF: that was the last, and none is missing. ErrVersion: this is
// something else. io.ErrUnexpectedEOF: the end is missing. Every error but io.EOF names the line.
func (r *Reader) Next() (Event, error) {
	if r.ended {
		return Event{}, io.EOF
	}
	if !r.lines.Scan() {
		return Event{}, r.stopped()
	}
	if r.lines.Err() != nil {
		return Event{}, r.stopped() // what was read is the beginning of a line
	}
	r.count++
	l, err := decode(r.lines.Bytes())
	if r.count == 1 && (err != nil || l.Version != version || l.Run == nil) {
		return Event{}, fmt.Errorf("line 1: %w", ErrVersion)
	}
	if err == nil {
		err = r.inPlace(l)
	}
	if err != nil {
		return Event{}, fmt.Errorf("line %d: %w", r.count, err)
	}
	if l.End != nil {
		r.ended = true
		return Event{}, r.afterEnd()
	}
	return l.Event, nil
}

// stopped is why there is no line.
func (r *Reader) stopped() error {
	err := r.lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("line %d: longer than %d bytes", r.count+1, LineMax)
	case err != nil:
		return fmt.Errorf("line %d: %w", r.count+1, err)
	case r.count == 0:
		return fmt.Errorf("line 1: %w: it is empty", ErrVersion)
	}
	return fmt.Errorf("line %d: the history was cut off: %w", r.count+1, io.ErrUnexpectedEOF)
}

// decode reads one line, strictly: what a version does not know must not be left out of a judgement.
func decode(text []byte) (line, error) {
	var l line
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, fmt.Errorf("not an event: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return l, errors.New("something follows the event")
	}
	return l, nil
}

// inPlace reports what is wrong with a line where it stands.
func (r *Reader) inPlace(l line) error {
	switch {
	case l.events() != 1:
		return fmt.Errorf("%d events in one line, want 1", l.events())
	case r.count > 1 && (l.Run != nil || l.Version != 0):
		return errors.New("a second beginning: two histories in one file?")
	case l.End != nil && l.End.Lines != r.count-1:
		return fmt.Errorf("%d lines were written and %d are here", l.End.Lines, r.count-1)
	case l.Operation != nil:
		return l.Operation.validate()
	}
	return nil
}

// afterEnd is io.EOF if nothing follows.
func (r *Reader) afterEnd() error {
	if r.lines.Scan() {
		return fmt.Errorf("line %d: something follows the end", r.count+1)
	}
	if r.lines.Err() != nil {
		return r.stopped()
	}
	return io.EOF
}

// ReadAll reads a whole history of at most limitBytes as saved; zero: no limit. The history is valid if there is no error.
func ReadAll(from io.Reader, limitBytes int64) (*History, error) {
	counted := &io.LimitedReader{R: from, N: limitBytes + 1}
	if limitBytes > 0 {
		from = counted
	}
	r, h := NewReader(from), &History{}
	for {
		e, err := r.Next()
		if limitBytes > 0 && counted.N == 0 {
			return nil, fmt.Errorf("read history: longer than %d bytes", limitBytes)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		h.add(e)
	}
	if err := h.Validate(); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return h, nil
}

func (h *History) add(e Event) {
	switch {
	case e.Run != nil:
		h.Run = *e.Run
	case e.Operation != nil:
		h.Operations = append(h.Operations, *e.Operation)
	case e.Fault != nil:
		h.Faults = append(h.Faults, *e.Fault)
	case e.Split != nil:
		h.Splits = append(h.Splits, *e.Split)
	case e.Conflict != nil:
		h.Conflicts = append(h.Conflicts, *e.Conflict)
	case e.Final != nil:
		h.Finals = append(h.Finals, *e.Final)
	default:
		h.Unlisted = append(h.Unlisted, e.Unlisted)
	}
}
