package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/sessnode/sessnode/chaos"
)

// plainEvery is how often a run tells how far it has got where nobody watches.
const plainEvery = 5 * time.Second

// runProgress shows how far a chaos run has got: in the last line of a terminal, elsewhere with a line now and then. Its
// methods are called one at a time.
type runProgress struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where nobody watches
	width func() int               // of the terminal

	last   chaos.Progress
	lastAt time.Time
}

func (p *program) runProgress() *runProgress {
	r := &runProgress{out: p.err, lastAt: time.Now()}
	if isTerminal(p.err) {
		r.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.err), progressbar.OptionSpinnerType(14),
			progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish())
		r.width = func() int { return widthOf(p.err.(*os.File)) }
	}
	return r
}

// widthOf is the columns of a terminal.
func widthOf(f *os.File) int {
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		return 80
	}
	return width
}

// say prints a line without tearing the one that is refreshed.
func (r *runProgress) say(format string, args ...any) {
	if r.bar != nil {
		_ = r.bar.Clear() // a terminal that cannot be written to is no reason to stop
	}
	fmt.Fprintf(r.out, format+"\n", args...)
}

// show tells how far the run has got.
func (r *runProgress) show(now chaos.Progress) {
	if now.Phase != r.last.Phase && now.Phase != chaos.PhaseLoad {
		r.last.Phase, r.lastAt = now.Phase, time.Now() // what begins is said in a line of its own
	}
	since := time.Since(r.lastAt)
	if r.bar == nil && since < plainEvery {
		return
	}
	text := progressText(now, float64(now.Asked-r.last.Asked)/max(since.Seconds(), 0.1))
	r.last, r.lastAt = now, time.Now()
	if r.bar == nil {
		fmt.Fprintln(r.out, "         "+text)
		return
	}
	r.bar.Describe(shortened(text, r.width()-10)) // beside the spinner
	_ = r.bar.Add(1)                              // as in say
}

// end wipes the terminal's line away.
func (r *runProgress) end() {
	if r.bar != nil {
		_ = r.bar.Finish() // as in say
	}
}

// progressText is how far a run has got, with so many operations per second of late.
func progressText(now chaos.Progress, rate float64) string {
	seconds := fmt.Sprintf("%.0f s", now.For.Seconds())
	switch now.Phase {
	case chaos.PhaseLoad:
		text := fmt.Sprintf("%v left, %.0f operations per second, %.2f %% answered, %d under way", now.Left.Round(time.Second), rate,
			100*float64(now.Answered)/float64(max(now.Asked, 1)), now.UnderWay)
		if now.Left == 0 {
			text = fmt.Sprintf("the load is over, %d operations under way", now.UnderWay)
		}
		if len(now.Faults) > 0 {
			text += "; " + strings.Join(now.Faults, ", ")
		}
		return text
	case chaos.PhaseRead:
		return fmt.Sprintf("%s for %s: %d of %d answers", now.Phase, seconds, now.Done, now.Total)
	}
	if now.Waiting != "" {
		return fmt.Sprintf("%s for %s: %s", now.Phase, seconds, now.Waiting)
	}
	return fmt.Sprintf("%s for %s", now.Phase, seconds)
}

// shortened is the beginning of a text, if it is too long.
func shortened(text string, columns int) string {
	runes := []rune(text)
	if len(runes) <= columns {
		return text
	}
	return string(runes[:max(columns-1, 0)]) + "…"
}
