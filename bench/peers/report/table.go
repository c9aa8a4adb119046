package report

import (
	"math"
	"slices"
	"strconv"
)

// column is a figure as people read it.
type column struct {
	figure string
	head   string
	format func(float64) string
}

// columns are those that tables show, if there is such a figure.
var columns = []column{
	{Rate, "requests/s", whole},
	{P50, "p50", duration},
	{P99, "p99", duration},
	{P999, "p999", duration},
	{CPU, "CPU µs", tenths},
	{Bytes, "bytes", whole},
	{Allocs, "allocations", tenths},
	{LiveBytes, "live bytes", whole},
	{ResidentBytes, "resident bytes", whole},
	{PauseP50, "GC pause p50", duration},
	{PauseP99, "GC pause p99", duration},
	{Median, "median", duration},
	{Worst, "worst", duration},
	{Times, "times", whole},
	{AllToAll, "all to all, CPU µs (computed)", tenths},
	{Failed, "failed", whole},
	{Wrong, "wrong", whole},
}

// shown are the columns for which a row has a figure. What went wrong is shown only if something did.
func shown(rows []row) []column {
	return slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
		return !slices.ContainsFunc(rows, func(r row) bool {
			value, ok := r.figures[c.figure]
			return ok && (value != 0 || c.figure != Failed && c.figure != Wrong)
		})
	})
}

func heads(rows []row) []string {
	list := []string{""}
	for _, c := range shown(rows) {
		list = append(list, c.head)
	}
	return list
}

// cells is a line for each row.
func cells(rows []row) [][]string {
	var lines [][]string
	columns := shown(rows)
	for _, r := range rows {
		line := []string{r.mode.Name}
		for _, c := range columns {
			text := "–"
			if value, ok := r.figures[c.figure]; ok {
				text = c.format(value)
			}
			line = append(line, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// whole is a number with commas between thousands.
func whole(v float64) string {
	text := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if v <= -0.5 {
		text = "-" + text
	}
	return text
}

func tenths(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// duration is a number of microseconds with a unit that suits it.
func duration(micros float64) string {
	switch {
	case micros < 10:
		return strconv.FormatFloat(micros, 'f', 2, 64) + " µs"
	case micros < 1000:
		return strconv.FormatFloat(micros, 'f', 0, 64) + " µs"
	case micros < 1e6:
		return strconv.FormatFloat(micros/1000, 'f', 2, 64) + " ms"
	}
	return strconv.FormatFloat(micros/1e6, 'f', 2, 64) + " s"
}
