package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// patience is how long a person waits without being told what for.
const patience = 2 * time.Second

// isTerminal reports whether someone watches what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// waiting shows on a terminal what is waited for, from two seconds on, until the function returned is called.
func (p *program) waiting(what string) (done func()) {
	if !isTerminal(p.err) {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // owns the terminal's last line; done joins it
		defer close(stopped)
		p.spin(what, stop)
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// spin turns a spinner once patience is over, and wipes it away at the end.
func (p *program) spin(what string, stop <-chan struct{}) {
	select {
	case <-stop:
		return
	case <-time.After(patience):
	}
	bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(what),
		progressbar.OptionSpinnerType(14), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionClearOnFinish())
	defer bar.Finish()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = bar.Add(1) // a terminal that cannot be written to is no reason to stop
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

// notice tells what is waited for as it changes: on a terminal in its last line, elsewhere with a line for each change.
type notice struct {
	out  io.Writer
	bar  *progressbar.ProgressBar // nil where nobody watches
	what string
	last string
}

// notice begins to wait for something.
func (p *program) notice(what string) *notice {
	n := &notice{out: p.err, what: what}
	if isTerminal(p.err) {
		n.bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(what),
			progressbar.OptionSpinnerType(14), progressbar.OptionClearOnFinish())
	}
	return n
}

// show says what stands in the way now.
func (n *notice) show(why string) {
	switch {
	case n.bar != nil:
		n.bar.Describe(n.what + ": " + why)
		_ = n.bar.Add(1) // as in spin
	case why != n.last:
		fmt.Fprintf(n.out, "%s: %s\n", n.what, why)
	}
	n.last = why
}

// end wipes the terminal's line away; it may be called more than once.
func (n *notice) end() {
	if n.bar != nil {
		_ = n.bar.Finish() // as in spin
	}
}

// steps counts long work: a bar on a terminal, a line for each quarter elsewhere.
type steps struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where nobody watches
	what  string
	done  int
	total int
}

// steps begins to count to a total.
func (p *program) steps(what string, total int) *steps {
	s := &steps{out: p.err, what: what, total: total}
	if isTerminal(p.err) {
		s.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
	}
	return s
}

// step counts one.
func (s *steps) step() {
	s.done++
	if s.bar != nil {
		_ = s.bar.Set(s.done) // as in spin
		return
	}
	if s.done%max(s.total/4, 1) == 0 {
		fmt.Fprintf(s.out, "%s: %d of %d\n", s.what, s.done, s.total)
	}
}

// say prints a line without tearing the bar.
func (s *steps) say(format string, args ...any) {
	if s.bar != nil {
		_ = s.bar.Clear() // as in spin
	}
	fmt.Fprintf(s.out, format+"\n", args...)
}
