package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/sessnode/sessnode/node"
)

// drainView shows how far a node is with draining: a bar on a terminal, a line each second elsewhere, if anything changed.
type drainView struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where nobody watches
	total int                      // slots at the beginning
	last  string
	told  time.Duration
}

func (p *program) drainProgress(s node.Status) *drainView {
	v := &drainView{out: p.err, total: slotsLeft(s)}
	if isTerminal(p.err) {
		v.bar = progressbar.NewOptions(max(v.total, 1), progressbar.OptionSetWriter(p.err),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	return v
}

// show takes the node's status, so long after the beginning.
func (v *drainView) show(s node.Status, after time.Duration) {
	left := slotsLeft(s)
	v.total = max(v.total, left)
	text := fmt.Sprintf("draining %s: %d slots left, %s on the way%s", s.Node, left, size(s.Progress.LeftBytes), waitingFor(s.Progress.Waiting))
	if v.bar != nil {
		v.bar.ChangeMax(max(v.total, 1))
		v.bar.Describe(text)
		_ = v.bar.Set(v.total - left) // as in spin
		return
	}
	if text == v.last || v.last != "" && after-v.told < time.Second {
		return
	}
	v.last, v.told = text, after
	fmt.Fprintln(v.out, text+estimate(v.total, left, after))
}

// estimate is how long the rest takes at the pace so far.
func estimate(total, left int, after time.Duration) string {
	done := total - left
	if done == 0 || left == 0 {
		return ""
	}
	return fmt.Sprintf("; about %v to go", (after * time.Duration(left) / time.Duration(done)).Round(time.Second))
}

func (v *drainView) end() {
	if v.bar != nil {
		_ = v.bar.Finish() // as in spin
	}
}
