package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// again shows something every second until ctx is done: in place on a terminal, block after block elsewhere. What could not be
// asked for is told and asked for again; a first answer that fails ends it, since it will hardly be mended by waiting.
func (p *program) again(ctx context.Context, show func(context.Context, io.Writer) error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for first := true; ; first = false {
		var text bytes.Buffer
		err := show(ctx, &text)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && first:
			return err
		case err != nil:
			text.Reset()
			fmt.Fprintf(&text, "no answer: %s; asking again\n", oneLine(err))
		}
		if err := p.block(text.Bytes(), first); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// What a terminal is told: to go to its upper left corner, to wipe what is behind the end of a line, and all lines below.
const (
	upperLeft = "\x1b[H"
	wipeLine  = "\x1b[K\n"
	wipeBelow = "\x1b[J"
)

// block prints one state of what is watched, with the time.
func (p *program) block(text []byte, first bool) error {
	now := time.Now().Format(time.DateTime)
	if !isTerminal(p.out) {
		_, err := fmt.Fprintf(p.out, "== %s\n%s\n", now, text)
		return err
	}
	if first {
		_, _ = io.WriteString(p.out, upperLeft+wipeBelow) // as below
	}
	lines := bytes.ReplaceAll(text, []byte("\n"), []byte(wipeLine))
	_, err := fmt.Fprintf(p.out, "%severy second, Ctrl-C ends; %s%s%s%s", upperLeft, now, wipeLine, lines, wipeBelow)
	return err
}

// errWatchJSON: what is shown again and again is no JSON document.
var errWatchJSON = usageError{errors.New("-watch and -json: choose one; for a machine ask with -json again and again")}
