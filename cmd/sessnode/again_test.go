package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessnode/sessnode/node"
)

// Where nobody watches a block is printed each second; an answer that fails is told of and asked for again.
func TestAgainPrintsBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &program{out: &out}
		ctx, stop := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer stop()
		asked := 0
		err := p.again(ctx, func(_ context.Context, w io.Writer) error {
			if asked++; asked == 2 {
				return errors.New("nobody there")
			}
			fmt.Fprintf(w, "answer %d\n", asked)
			return nil
		})
		want := "== 2000-01-01 00:00:00\nanswer 1\n\n== 2000-01-01 00:00:01\nno answer: nobody there; asking again\n\n== 2000-01-01 00:00:02\nanswer 3\n\n"
		got := out.String()
		if local := time.Now().Format("15"); local != "00" { // the bubble's clock is UTC, the output local
			want = strings.ReplaceAll(want, " 00:", " "+local+":")
		}
		if got != want || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v after:\n%s\nwant:\n%s", err, got, want)
		}
	})
}

// What fails at once is an error: it will hardly be mended by waiting.
func TestAgainEndsAtOnce(t *testing.T) {
	broken := errors.New("broken")
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	err := (&program{out: io.Discard}).again(ctx, func(context.Context, io.Writer) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestPace(t *testing.T) {
	var p pace
	start := time.UnixMilli(0)
	for _, c := range []struct {
		after time.Duration
		left  int
		least float64
		want  string
	}{
		{0, 0, 0, ""},
		{0, 100, 0.5, ""},
		{0, 100, 7, "; at least 7s to go"},
		{10 * time.Second, 80, 7, "; about 40s to go"},
		{20 * time.Second, 120, 0, ""}, // more came: it begins anew
		{30 * time.Second, 60, 0, "; about 10s to go"},
		{40 * time.Second, 0, 0, ""},
	} {
		if got := p.text(node.ProgressStatus{Left: c.left, LeastSeconds: c.least}, start.Add(c.after)); got != c.want {
			t.Errorf("%d left after %v: %q, want %q", c.left, c.after, got, c.want)
		}
	}
}

// Of what is said of a slot the highest epoch counts, and of that what its primary says.
func TestSlotReport(t *testing.T) {
	view := func(epoch uint64, role, state string, sessions int) node.SlotList {
		return node.SlotList{Total: 1, Slots: []node.SlotView{{Epoch: epoch, Role: role, State: state, Sessions: sessions}}}
	}
	got := slotReportOf([]node.SlotList{
		view(2, "none", node.SlotHome, 0), view(1, "primary", node.SlotHome, 9), view(2, "primary", node.SlotMoving, 7), view(2, "backup", node.SlotHome, 6),
	}, nil)
	if len(got.Slots) != 1 || got.Slots[0].State != node.SlotMoving || got.Slots[0].Sessions != 7 {
		t.Errorf("%+v", got)
	}
}
