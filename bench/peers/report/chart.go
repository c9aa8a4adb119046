package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// Sizes of charts, in pixels.
const (
	chartWidth = 760
	labelWidth = 330
	barHeight  = 20
	barGap     = 8
	chartHead  = 34
)

// Bars is a chart of one figure of one workload in several modes.
type Bars struct {
	Title    string
	Workload string
	Figure   string
	Format   func(float64) string
}

// BarCharts are those of the page, by file name.
func BarCharts() map[string]Bars {
	return map[string]Bars{
		"bench-rate.svg": {"Cart, 64 callers: requests per second", "cart-64", Rate, whole},
		"bench-many.svg": {"Cart, 512 callers: requests per second", "cart-512", Rate, whole},
		"bench-cpu.svg":  {"Cart, 64 callers: processor time per request, all processes, µs", "cart-64", CPU, tenths},
		"bench-one.svg":  {"Cart, 1 caller: median latency", "cart-1", P50, duration},
	}
}

// Draw writes a bar chart as SVG; ours in another colour than the others'.
func (r *Results) Draw(w io.Writer, b Bars, modes []Label) error {
	rows := r.rows(modes, b.Workload)
	longest := 0.0
	for _, row := range rows {
		longest = math.Max(longest, row.figures[b.Figure])
	}
	var s strings.Builder
	svgBegin(&s, chartHead+len(rows)*(barHeight+barGap)+barGap, b.Title)
	for i, row := range rows {
		value, y := row.figures[b.Figure], chartHead+i*(barHeight+barGap)
		colour := "#9aa5b1"
		if strings.HasPrefix(row.mode.Text, "sessnode") {
			colour = "#2f6fb0"
		}
		width := 0.0
		if longest > 0 {
			width = (chartWidth - labelWidth - 90) * value / longest
		}
		fmt.Fprintf(&s, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", labelWidth-8, y+15, html.EscapeString(strings.TrimPrefix(row.mode.Text, "the same, ")))
		fmt.Fprintf(&s, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", labelWidth, y, math.Max(width, 1), barHeight, colour)
		fmt.Fprintf(&s, `<text x="%.1f" y="%d">%s</text>`+"\n", labelWidth+width+6, y+15, html.EscapeString(b.Format(value)))
	}
	s.WriteString("</svg>\n")
	_, err := io.WriteString(w, s.String())
	return err
}

// svgBegin opens a drawing on white, which is legible on any page.
func svgBegin(s *strings.Builder, height int, title string) {
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", chartWidth, height)
	fmt.Fprintf(s, `<title>%s</title>`+"\n", html.EscapeString(title))
	fmt.Fprintf(s, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, height)
	fmt.Fprintf(s, `<text x="10" y="20" font-weight="bold">%s</text>`+"\n", html.EscapeString(title))
}
