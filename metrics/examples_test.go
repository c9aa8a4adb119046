package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

const prometheusDir = "../examples/prometheus/"

// names are the metrics of ours, and of the Go runtime and the process, in a query or a page.
var names = regexp.MustCompile(`\b(sessnode|go|process)_[a-z0-9_]+`)

// exported are the names that a scrape of a real node has, those of a histogram with their endings.
func exported(t *testing.T) map[string]bool {
	all := map[string]bool{}
	for _, line := range strings.Split(scrape(t, startNode(t)), "\n") {
		if name := names.FindString(line); name != "" && strings.HasPrefix(line, name) {
			all[name] = true
		}
	}
	return all
}

func readExample(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// field matches one field of one rule.
func field(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^ +(?:- )?` + name + `: (.+)$`)
}

// Every metric in the rules exists, and every alert says what is wrong, what to do and where to read more.
func TestAlerts(t *testing.T) {
	known := exported(t)
	text := readExample(t, prometheusDir+"alerts.yml")
	guide := readExample(t, "../docs/OPERATIONS.md")
	rules := strings.Split(text, "- alert: ")[1:]
	if len(rules) < 5 {
		t.Fatalf("%d alerts", len(rules))
	}
	for _, rule := range rules {
		alert, _, _ := strings.Cut(rule, "\n")
		expr := field("expr").FindStringSubmatch(rule)
		if expr == nil || names.FindString(expr[1]) == "" {
			t.Errorf("%s has no expression on metrics", alert)
			continue
		}
		for _, name := range names.FindAllString(expr[1], -1) {
			if !known[name] {
				t.Errorf("%s: no node exports %s", alert, name)
			}
		}
		for _, f := range []string{"summary", "remedy", "severity: (page|ticket).*", "runbook"} {
			if !strings.Contains(f, ":") && field(f).FindString(rule) == "" || strings.Contains(f, ":") && !regexp.MustCompile(f).MatchString(rule) {
				t.Errorf("%s has no %s", alert, f)
			}
		}
		_, anchor, _ := strings.Cut(field("runbook").FindString(rule), "docs/OPERATIONS.md#")
		if !hasHeading(guide, anchor) {
			t.Errorf("%s: docs/OPERATIONS.md has no heading #%s", alert, anchor)
		}
	}
}

// hasHeading reports whether a page has a heading with an anchor.
func hasHeading(page, anchor string) bool {
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		if anchor != "" && strings.ReplaceAll(strings.ToLower(h[1]), " ", "-") == anchor {
			return true
		}
	}
	return false
}

// The reasons, states, kinds and so on by which the rules and the dashboard choose exist too.
func TestLabelsInExamples(t *testing.T) {
	scraped := scrape(t, startNode(t))
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		for _, m := range regexp.MustCompile(`(sessnode_\w+)\{(\w+)(?:=|=~|!=|!~)\\?"([a-z_|]+)\\?"`).FindAllStringSubmatch(readExample(t, prometheusDir+file), -1) {
			for _, v := range strings.Split(m[3], "|") {
				if !regexp.MustCompile(m[1] + `\{[^}]*` + m[2] + `="` + v + `"`).MatchString(scraped) {
					t.Errorf("%s: %s has no %s %q", file, m[1], m[2], v)
				}
			}
		}
	}
}

// The dashboard is what Grafana reads, and every metric in it exists.
func TestDashboard(t *testing.T) {
	known := exported(t)
	var board struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Query string }
		}
	}
	if err := json.Unmarshal([]byte(readExample(t, prometheusDir+"dashboard.json")), &board); err != nil {
		t.Fatal(err)
	}
	check := func(where, expr string) {
		found := names.FindAllString(expr, -1)
		for _, name := range found {
			if !known[name] {
				t.Errorf("%s: no node exports %s", where, name)
			}
		}
		if len(found) == 0 && where != "datasource" {
			t.Errorf("%s shows no metric: %q", where, expr)
		}
	}
	if len(board.Panels) < 10 {
		t.Errorf("%d panels", len(board.Panels))
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			check(p.Title, target.Expr)
		}
	}
	for _, v := range board.Templating.List {
		check(v.Name, v.Query)
	}
}

// What the guide says of metrics is so.
func TestGuideNamesMetrics(t *testing.T) {
	known := exported(t)
	for _, m := range regexp.MustCompile("`(sessnode_[a-z_]+)`").FindAllStringSubmatch(readExample(t, "../docs/OPERATIONS.md"), -1) {
		if !known[m[1]] && !known[m[1]+"_count"] && m[1] != "sessnode_" {
			t.Errorf("docs/OPERATIONS.md names %s", m[1])
		}
	}
}
