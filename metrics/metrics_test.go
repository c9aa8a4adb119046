package metrics_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/metrics"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startNode runs a cluster of one on loopback until the test ends.
func startNode(t *testing.T) *node.Node {
	t.Helper()
	n, err := node.New(node.Config{
		Listen: "127.0.0.1:0", Slots: 16, DrainDeadline: node.LeaveAtOnce, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return n
}

// scrape is what Prometheus would get from a node.
func scrape(t *testing.T, n metrics.Node) string {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.Handler(n, slog.Default()).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func has(t *testing.T, scraped string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(scraped, l+"\n") {
			t.Errorf("no %s in:\n%s", l, regexp.MustCompile(`(?m)^(#|go_|process_|promhttp).*\n`).ReplaceAllString(scraped, ""))
		}
	}
}

// What a node did is in what it tells Prometheus, by kind and result.
func TestNodeCounts(t *testing.T) {
	n := startNode(t)
	c, err := client.Dial(t.Context(), client.Config{Nodes: []string{n.Addr().String()}, App: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := replica.Key{App: "test", ID: id}
	commit := func(cm replica.Commit) {
		cm.Key = key
		_, _ = c.Commit(t.Context(), &cm) // the counts say what came of it
	}
	commit(replica.Commit{Create: true, Changes: []replica.Change{{Name: "n", Value: []byte("12345")}}})
	commit(replica.Commit{Create: true})
	for range 3 {
		if _, err := c.Load(t.Context(), &replica.Load{Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Lock(t.Context(), &replica.Lock{Key: key, Lease: time.Minute, Request: replica.RequestID{Client: 1, Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	got := scrape(t, n)
	has(t, got,
		`sessnode_requests_total{kind="commit",result="ok"} 1`, `sessnode_requests_total{kind="commit",result="exists"} 1`,
		`sessnode_requests_total{kind="load",result="ok"} 3`, `sessnode_requests_total{kind="lock",result="ok"} 1`,
		`sessnode_request_duration_seconds_count{kind="load"} 3`, `sessnode_commits_total{copies="1"} 1`,
		`sessnode_sessions 1`, `sessnode_session_bytes 6`, `sessnode_locks_held 1`, `sessnode_lock_waiters 0`, `sessnode_ready 1`,
		`sessnode_leased_slots 16`, `sessnode_slots{state="all"} 16`, `sessnode_slots{state="home"} 16`, `sessnode_held_slots{role="primary"} 16`,
		`sessnode_members{state="alive"} 1`, `sessnode_members{state="missing"} 0`, `sessnode_refusals_total{reason="overloaded"} 0`,
		`sessnode_lost_slots_total 0`, `sessnode_replication_backlog_entries 0`,
	)
	if !regexp.MustCompile(`sessnode_node_info{[^}]*version="[^"]+"} 1`).MatchString(got) {
		t.Error("no version")
	}
	if !regexp.MustCompile(`sessnode_memory_used_bytes [1-9]`).MatchString(got) || !regexp.MustCompile(`sessnode_memory_limit_bytes [1-9]`).MatchString(got) {
		t.Error("nothing of the memory that sessions take")
	}
	if !strings.Contains(got, "\ngo_goroutines ") || !strings.Contains(got, "\nprocess_") {
		t.Error("nothing of the Go runtime or the process")
	}
	commit(replica.Commit{Destroy: true})
	_, _ = c.Commit(t.Context(), &replica.Commit{Key: key, Changes: []replica.Change{{Name: strings.Repeat("x", 300)}}})
	has(t, scrape(t, n), `sessnode_requests_total{kind="destroy",result="ok"} 1`, `sessnode_refusals_total{reason="too_large"} 1`,
		`sessnode_sessions 0`, `sessnode_commits_total{copies="1"} 2`, `sessnode_locks_held 0`)
	clientCounts(t, c)
}

// A client tells how long its requests took, and what its cache saved.
func clientCounts(t *testing.T, c *client.Client) {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(metrics.NewClient(c))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for name, want := range map[string]float64{
		"sessnode_client_request_duration_seconds": 8, "sessnode_client_retries_total": 0, "sessnode_client_cache_loads_total whole": 1,
		"sessnode_client_cache_loads_total unchanged": 2, "sessnode_client_unanswered_requests_total": 0,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}

// Names and helps are as Prometheus wants them, and every metric that is described has a value.
func TestNames(t *testing.T) {
	n := startNode(t)
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(metrics.NewNode(n))
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	gathered := map[string]bool{}
	for _, f := range families {
		gathered[f.GetName()] = true
	}
	described := make(chan *prometheus.Desc, 100)
	metrics.NewNode(n).Describe(described)
	close(described)
	for d := range described {
		if name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]; !gathered[name] {
			t.Errorf("%s has no value", name)
		}
	}
}
