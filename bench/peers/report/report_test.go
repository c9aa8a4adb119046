package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMedians(t *testing.T) {
	var r Results
	for _, rate := range []float64{5, 1, 3} {
		r.Add("redis", "cart-64", Figures{Rate: rate, Failed: 1})
	}
	if got, want := r.Modes["redis"]["cart-64"], (Figures{Rate: 3, Failed: 3}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if got := middle([]float64{4, 1, 2, 3}); got != 2.5 {
		t.Errorf("the median of an even number is %v", got)
	}
}

// compared is results in which remote is so many times as fast as Redis.
func compared(times float64) *Results {
	r := &Results{}
	r.Add("redis", "cart-64", Figures{Rate: 1000, CPU: 100, Bytes: 1000})
	r.Add("remote", "cart-64", Figures{Rate: 1000 * times, CPU: 100 / times, Bytes: 1000})
	return r
}

func TestVerdicts(t *testing.T) {
	for times, want := range map[float64]Verdict{1.4: Missed, 1.5: Met, 2.5: Moonshot} {
		if got := compared(times).Judge()[0].Verdict; got != want {
			t.Errorf("%v times Redis: %q, want %q", times, got, want)
		}
	}
	var none Results
	for _, j := range none.Judge() {
		if j.Verdict != Absent {
			t.Errorf("%s is %q without any figure", j.Target.Name, j.Verdict)
		}
	}
	var names []string
	for _, j := range compared(1).MissedTargets() {
		names = append(names, j.Target.Name)
	}
	want := []string{"cart, 64 callers, remote / Redis", "CPU per request, 64 callers, remote / Redis", "bytes per request, remote / Redis"}
	if !cmp.Equal(names, want) {
		t.Error(cmp.Diff(want, names))
	}
}

// TestEveryTargetCanBeMissed and met: one whose figures nobody measures would never say anything.
func TestEveryTargetCanBeMissed(t *testing.T) {
	modes := []string{"redis", "remote", "embedded", "embedded-routed", "http-routed", "tomcat", "tomcat-routed"}
	workloads := []string{"cart-64", "cart-1", "cart-512", "browse-1", Memory, Million, Failover, Nodes(3), Nodes(15)}
	all := func(ours, theirs float64) *Results {
		r := &Results{}
		for _, m := range modes {
			for _, w := range workloads {
				value := ours
				if m == "redis" || strings.HasPrefix(m, "tomcat") || w == Nodes(3) {
					value = theirs
				}
				r.Add(m, w, Figures{Rate: value, P50: value, P99: value * value, CPU: value, Bytes: value, Allocs: value, LiveBytes: value,
					PauseP99: value, Median: value, Worst: value, Longest: value})
			}
		}
		return r
	}
	missed := map[string]bool{}
	for _, r := range []*Results{all(1e9, 1), all(1, 1e9)} {
		for _, j := range r.Judge() {
			missed[j.Target.Name] = missed[j.Target.Name] || j.Verdict == Missed
			if j.Verdict == Absent {
				t.Errorf("%s is not measured", j.Target.Name)
			}
		}
	}
	for name, m := range missed {
		if !m {
			t.Errorf("%s cannot be missed", name)
		}
	}
}

func TestJSONAndBack(t *testing.T) {
	r := compared(2)
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(b.Bytes())
	if err != nil || !cmp.Equal(&got, r) {
		t.Error(err, cmp.Diff(r, &got))
	}
	if _, err := Read([]byte("no")); err == nil {
		t.Error("nonsense was read")
	}
}

func TestMergeKeepsTheNewer(t *testing.T) {
	r := compared(2)
	older := compared(1)
	older.Add("olric", "cart-64", Figures{Rate: 7})
	r.Merge(*older)
	if got, _ := r.Get("remote", "cart-64", Rate); got != 2000 {
		t.Errorf("the newer figure became %v", got)
	}
	if got, _ := r.Get("olric", "cart-64", Rate); got != 7 {
		t.Errorf("the older figure became %v", got)
	}
}

func TestTableAndPage(t *testing.T) {
	r := compared(2)
	r.Settings = []string{"Redis has replicaof"}
	modes := []Label{{"redis", "Redis"}, {"remote", "sessnode, client library"}}
	workloads := []Label{{"cart-64", "carts"}, {"cart-1", "not measured"}}
	var table, page, chart bytes.Buffer
	for _, err := range []error{r.Print(&table, modes, workloads), r.Page(&page, modes, workloads, false), r.Draw(&chart, BarCharts()["bench-rate.svg"], modes)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"2,000", "Redis has replicaof", "cart, 64 callers, remote / Redis"} {
		if !strings.Contains(table.String(), want) || !strings.Contains(page.String(), want) {
			t.Errorf("%q is missing in the table or the page:\n%s", want, table.String())
		}
	}
	if strings.Contains(page.String(), "not measured.") {
		t.Error("the page has a section without figures")
	}
	if strings.Count(chart.String(), "<rect") != 3 { // the ground and two bars
		t.Errorf("chart: %s", chart.String())
	}
}

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"1,234,567": whole(1234567), "999": whole(999), "0.50 µs": duration(0.5), "1.50 ms": duration(1500), "2.00 s": duration(2e6),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNoSettings(t *testing.T) {
	if got := strings.Join((&Results{}).settings(), ""); !strings.Contains(got, "none") {
		t.Errorf("got %q", got)
	}
}
