package report

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// NodesChart is the file of the chart that DrawNodes makes.
const NodesChart = "bench-nodes.svg"

// Sizes of the curve, in pixels.
const (
	curveLeft, curveRight = 60, 720
	curveTop, curveBottom = 40, 300
	curveHeight           = 350
)

// point is a number of nodes and what a request costs with them.
type point struct {
	nodes int
	value float64
}

// DrawNodes writes, as SVG, what a request costs on more and more nodes, and what it would cost if every node held every
// session. It writes nothing and is false when that was not measured.
func (r *Results) DrawNodes(w io.Writer, counts []int) (drawn bool, err error) {
	var measured, computed []point
	top := 0.0
	for _, n := range counts {
		if v, ok := r.Get("remote", Nodes(n), CPU); ok {
			measured, top = append(measured, point{n, v}), math.Max(top, v)
		}
		if v, ok := r.Get("remote", Nodes(n), AllToAll); ok {
			computed, top = append(computed, point{n, v}), math.Max(top, v)
		}
	}
	if len(measured) < 2 {
		return false, nil
	}
	var s strings.Builder
	svgBegin(&s, curveHeight, "Processor time per request at a fixed rate, µs")
	place := func(p point) (x, y float64) {
		first, last := float64(counts[0]), float64(counts[len(counts)-1])
		x = curveLeft + (float64(p.nodes)-first)/(last-first)*(curveRight-curveLeft)
		return x, curveBottom - p.value/(top*1.1)*(curveBottom-curveTop)
	}
	fmt.Fprintf(&s, `<path d="M%d %dV%dH%d" fill="none" stroke="#333"/>`+"\n", curveLeft, curveTop, curveBottom, curveRight)
	for _, n := range counts {
		x, _ := place(point{nodes: n})
		fmt.Fprintf(&s, `<text x="%.0f" y="%d" text-anchor="middle">%d nodes</text>`+"\n", x, curveBottom+18, n)
	}
	curve(&s, computed, place, "#9aa5b1", `stroke-dasharray="6 4"`)
	curve(&s, measured, place, "#2f6fb0", "")
	fmt.Fprintf(&s, `<text x="%d" y="%d" fill="#2f6fb0">sessnode, measured</text>`+"\n", curveLeft, curveHeight-10)
	if len(computed) > 0 {
		fmt.Fprintf(&s, `<text x="%d" y="%d" fill="#6b7580">every node holds every session, computed from the cost of one more copy</text>`+"\n", curveLeft+150, curveHeight-10)
	}
	s.WriteString("</svg>\n")
	_, err = io.WriteString(w, s.String())
	return true, err
}

func curve(s *strings.Builder, points []point, place func(point) (x, y float64), colour, more string) {
	var path strings.Builder
	for i, p := range points {
		x, y := place(p)
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x, y)
		fmt.Fprintf(s, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/><text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>`+"\n", x, y, colour, x, y-8, p.value)
	}
	if path.Len() > 0 {
		fmt.Fprintf(s, `<path d="%s" fill="none" stroke="%s" stroke-width="2" %s/>`+"\n", path.String(), colour, more)
	}
}
