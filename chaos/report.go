package chaos

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// The timeline's measures, in pixels.
const (
	chartWidth  = 1000
	chartHeight = 120
	laneHeight  = 16
	barsMax     = 600 // seconds drawn one by one; longer runs are drawn in steps of several
)

// stretch is one stretch of the timeline.
type stretch struct {
	answered, other int // operations that began in it: answered, and not
	slow            time.Duration
	took            []time.Duration
}

// rect is a rectangle with what it stands for.
type rect struct {
	X, Y, W, H float64
	Class      string
	Title      string
}

// view is what the report's template shows.
type view struct {
	*Result
	Operations          int
	Width, Height       int
	Throughput, Latency []rect
	Faults, Splits      []rect
	Lanes               int
	Peak                string
	Slowest             string
	Seconds             []mark
	Doubts              []string
}

// mark is a label on the axis.
type mark struct {
	X    float64
	Text string
}

// Report writes the result as one HTML page that needs nothing else: the faults over throughput and latency, the verdicts,
// and every violation that was kept with its operations.
func (r *Result) Report(w io.Writer) error {
	v := view{Result: r, Width: chartWidth, Height: chartHeight, Operations: len(r.history.Operations), Doubts: r.doubts()}
	v.draw(r.history)
	if err := page.Execute(w, v); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// draw lays out the timeline.
func (v *view) draw(h *history.History) {
	length := max(h.Run.Length, time.Second)
	each := (length/barsMax + time.Second - 1).Truncate(time.Second)
	each = max(each, time.Second)
	x := func(at time.Duration) float64 { return chartWidth * float64(at) / float64(length) }
	bars := stretches(h, each, length)
	most, slowest := 1, time.Millisecond
	for _, b := range bars {
		most, slowest = max(most, b.answered+b.other), max(slowest, b.slow)
	}
	for i, b := range bars {
		from := time.Duration(i) * each
		left, width := x(from), max(x(each)-0.5, 0.5)
		title := fmt.Sprintf("%v: %d answered, %d not; slowest but one percent %v", from, b.answered, b.other, b.slow.Round(time.Millisecond))
		scale := float64(chartHeight) / float64(most)
		good, bad := scale*float64(b.answered), scale*float64(b.other)
		v.Throughput = append(v.Throughput, rect{left, chartHeight - good, width, good, "good", title},
			rect{left, chartHeight - good - bad, width, bad, "bad", title})
		tall := chartHeight * float64(b.slow) / float64(slowest)
		v.Latency = append(v.Latency, rect{left, chartHeight - tall, width, tall, "slow", title})
	}
	v.Peak = fmt.Sprintf("%.0f operations per second", float64(most)/each.Seconds())
	v.Slowest = slowest.Round(time.Millisecond).String()
	v.lanes(h, x)
	for at := time.Duration(0); at <= length; at += max((length / 12).Truncate(time.Second), time.Second) {
		v.Seconds = append(v.Seconds, mark{x(at), at.String()})
	}
}

// stretches counts the operations of each stretch of time.
func stretches(h *history.History, each, length time.Duration) []stretch {
	all := make([]stretch, length/each+1)
	for i := range h.Operations {
		o := &h.Operations[i]
		b := &all[min(int(o.Invoked/each), len(all)-1)]
		if o.Answered() {
			b.answered++
		} else {
			b.other++
		}
		if o.Kind != history.Lock { // it waits for others
			b.took = append(b.took, o.Returned-o.Invoked)
		}
	}
	for i := range all {
		if took := all[i].took; len(took) > 0 {
			slices.Sort(took)
			all[i].slow = took[len(took)*99/100]
		}
	}
	return all
}

// lanes puts faults that overlap below each other, and the splits behind all.
func (v *view) lanes(h *history.History, x func(time.Duration) float64) {
	var free []time.Duration // when each lane is free again
	faults := slices.Clone(h.Faults)
	slices.SortStableFunc(faults, func(a, b history.Fault) int { return int(a.From - b.From) })
	for _, f := range faults {
		until := f.Until
		if until == 0 {
			until = h.Run.Length
		}
		lane := slices.IndexFunc(free, func(at time.Duration) bool { return at <= f.From })
		if lane < 0 {
			lane, free = len(free), append(free, 0)
		}
		free[lane] = until
		v.Faults = append(v.Faults, rect{x(f.From), float64(lane * laneHeight), max(x(until-f.From), 2), laneHeight - 2, "fault",
			fmt.Sprintf("%s %s: %s", f.Kind, strings.Join(f.Whom, ", "), bitOf(&f))})
	}
	for _, s := range h.Splits {
		end, text := s.Merged, "split, until the nodes were one cluster again"
		if end == 0 {
			end, text = h.Run.Length, "split; nobody saw when it was merged"
		}
		v.Splits = append(v.Splits, rect{x(s.From), 0, max(x(end-s.From), 2), chartHeight, "split", text})
	}
	v.Lanes = max(len(free), 1) * laneHeight
}

// Short names a fault within its bar.
func (r rect) Short() string {
	name, _, _ := strings.Cut(r.Title, " ")
	if r.W < float64(8*len(name)) {
		return ""
	}
	return name
}

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"seconds": func(d time.Duration) string { return fmt.Sprintf("%.3f s", d.Seconds()) },
	"gap":     gapText,
	"bit":     func(f history.Fault) string { return bitOf(&f) },
	"list":    func(names []string) string { return strings.Join(names, ", ") },
	"share": func(part, whole int) string {
		return fmt.Sprintf("%.2f %%", 100*float64(part)/float64(max(whole, 1)))
	},
	"class": func(result any) string { return strings.ReplaceAll(fmt.Sprint(result), " ", "-") },
}).Parse(pageText))
