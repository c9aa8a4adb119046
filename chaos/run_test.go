package chaos

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/chaos/check"
	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/replica"
)

// builtDir is where built puts it; empty: nowhere yet.
var builtDir string

// built is the sessnode command.
var built = sync.OnceValues(func() (path string, err error) {
	if builtDir, err = os.MkdirTemp("", "sessnode-chaos-test-"); err != nil {
		return "", err
	}
	path = filepath.Join(builtDir, "sessnode")
	out, err := exec.Command("go", "build", "-o", path, "github.com/sessnode/sessnode/cmd/sessnode").CombinedOutput()
	if err != nil {
		return "", errors.New(err.Error() + "\n" + string(out))
	}
	return path, nil
})

// run is a run of three nodes over the switch.
func run(t *testing.T, length time.Duration, schedule string, o Options) (*Result, string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the command and runs processes")
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if o.Schedule, err = ParseSchedule(strings.NewReader(schedule)); err != nil {
		t.Fatal(err)
	}
	if o.Schedule == nil {
		o.Schedule = Schedule{}
	}
	o.Dir, o.Binary, o.Nodes, o.Length, o.Network, o.Seed, o.Say = t.TempDir(), binary, 3, length, NetworkSwitch, 1, t.Logf
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	return r, o.Dir
}

// TestARunFindsNoViolation is the whole of it: real nodes, faults, every workload and every checker. The last fault can only come
// late, since the nodes have not found together from the one before, and comes all the same.
func TestARunFindsNoViolation(t *testing.T) {
	r, dir := run(t, 10*time.Second, "1s kill primary 1s\n2s loss * 1s share=5%\n3500ms pause node-2 1s\n6s isolate node-3 2s\n"+
		"9s pause node-1 900ms\n9900ms restart node-2 0s", Options{})
	if r.Violations() > 0 {
		t.Errorf("%d verdicts are violations", r.Violations())
	}
	for _, v := range r.Verdicts {
		if v.Result == check.Nothing && v.Guarantee != check.NoGuarantee {
			t.Errorf("%s had nothing to judge", v.Check)
		}
	}
	if len(r.history.Faults) != 6 || len(r.history.Splits) != 1 {
		t.Errorf("%d faults and %d splits are recorded, want 6 and 1; left out: %v", len(r.history.Faults), len(r.history.Splits), r.Skipped)
	}
	for _, s := range r.history.Splits {
		if s.Merged == 0 || len(s.Sides) != 2 {
			t.Errorf("the split is recorded as %+v", s)
		}
	}
	for _, f := range r.history.Faults {
		if f.Kind == history.Cut && f.Dropped == 0 || f.Until <= f.From {
			t.Errorf("a fault is recorded as %+v", f)
		}
	}
	wantFiles(t, dir)
	wantTheSameAgain(t, r, dir)
}

// wantFiles requires the results, and nothing beside them.
func wantFiles(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "history.jsonl report.html schedule.txt verdicts.json"; got != want {
		t.Errorf("the directory holds %s, want %s", got, want)
	}
	page, err := os.ReadFile(filepath.Join(dir, ReportFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "G1 honest acknowledgement", "no violation", "</html>"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not show %q", want)
		}
	}
	for _, foreign := range []string{"http:", "https:", "<script", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(foreign)) {
			t.Errorf("the report holds %q", foreign)
		}
	}
}

// wantTheSameAgain requires that the saved history is judged as the run was.
func wantTheSameAgain(t *testing.T, r *Result, dir string) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, HistoryFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := history.ReadAll(f, 0)
	if err != nil {
		t.Fatal(err)
	}
	again, err := JudgeHistory(h, check.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range again.Verdicts {
		if v.Result != r.Verdicts[i].Result {
			t.Errorf("%s: %s at first, %s when the saved history is judged", v.Check, r.Verdicts[i].Result, v.Result)
		}
	}
}

// liar acknowledges writes of sets that it never sent.
type liar struct{ store }

func (l liar) Commit(ctx context.Context, c *replica.Commit) (replica.Result, error) {
	if len(c.Changes) == 1 && strings.HasPrefix(c.Changes[0].Name, "e") && strings.HasSuffix(c.Changes[0].Name, "7") {
		return replica.Result{Copies: 2, Stamp: replica.Stamp{Clock: 1, Boot: 1}}, nil
	}
	return l.store.Commit(ctx, c)
}

func TestAWriteThatWasNeverSentIsAViolation(t *testing.T) {
	t.Parallel()
	r, _ := run(t, 2*time.Second, "", Options{wrap: func(_ string, s store) store { return liar{s} }})
	for _, v := range r.Verdicts {
		if v.Check == "lost" && v.Result != check.Violated {
			t.Errorf("%s: %s", v.Check, v.Result)
		}
	}
	if r.Violations() == 0 || !strings.HasPrefix(r.Summary(), "VIOLATION") || r.Logs == "" {
		t.Errorf("%d violations, summed up as %q, logs in %q", r.Violations(), r.Summary(), r.Logs)
	}
}

func TestARunThatIsInterruptedIsJudged(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if testing.Short() {
		t.Skip("it builds the command and runs processes")
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: t.TempDir(), Binary: binary, Nodes: 3, Length: time.Hour, Network: NetworkSwitch, Say: func(format string, args ...any) {
		t.Logf(format, args...)
		if strings.HasSuffix(format, "%v, %d operations under way") { // the first fault is under way
			cancel()
		}
	}}
	o.Schedule = Schedule{{At: time.Second, Kind: Isolate, Whom: []string{"node-1"}, For: time.Hour}}
	r, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Early || r.Violations() > 0 || len(r.history.Finals) == 0 || len(r.history.Faults) != 1 {
		t.Errorf("early %v, %d violations, %d final reads, faults %+v", r.Early, r.Violations(), len(r.history.Finals), r.history.Faults)
	}
	wantFiles(t, o.Dir)
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	for _, o := range []Options{
		{}, {Dir: "x", Nodes: 1}, {Dir: "x", Nodes: 21}, {Dir: "x", Clients: -1}, {Dir: "x", Length: time.Millisecond},
		{Dir: "x", Rate: -1}, {Dir: "x", Network: "cables"}, {Dir: "x", Limits: check.Limits{Restore: -1}},
	} {
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want ErrOptions", o, err)
		}
	}
	if _, err := Run(t.Context(), Options{Dir: "x", Nodes: 2, Schedule: Schedule{{Kind: Kill, Whom: []string{"node-3"}}}}); !errors.Is(err, ErrSchedule) {
		t.Errorf("a fault of a node that there is not: %v, want ErrSchedule", err)
	}
}

// TestMildFaultsBite: what loses no node does something all the same, a node can join and leave meanwhile, and a fault within
// a split happens.
func TestMildFaultsBite(t *testing.T) {
	r, _ := run(t, 25*time.Second, `
		1s duplicate * 2s share=20%
		1s join node-4 8s
		2s skew node-2 2s off=-1500ms rate=1.02
		3500ms reorder node-1 2s share=20% by=10ms
		4s cut node-1,client-1,client-2/node-2,node-3,client-3,client-4 3s with=kill:node-2
		8s stop-reading * 2s
		10s rolling * 0s`, Options{})
	for _, v := range r.Verdicts {
		if v.Result == check.Violated && v.Check != "healed" { // which lists the twin of a write that reached both sides
			t.Errorf("%v", &v)
		}
	}
	if r.Stalls > 3 {
		t.Skipf("the machine stood still %d times, for up to %v: faults wait for a cluster that cannot come together", r.Stalls, r.Stalled)
	}
	if len(r.Skipped) > 0 {
		t.Errorf("left out: %v", r.Skipped)
	}
	for _, f := range r.history.Faults {
		if !f.Bit() {
			t.Errorf("%s of %v did not bite: %+v", f.Kind, f.Whom, f)
		}
	}
	kinds := make(map[string]int)
	for _, f := range r.history.Faults {
		kinds[f.Kind]++
	}
	for kind, want := range map[string]int{"duplicate": 1, "join": 1, "skew": 1, "reorder": 1, "cut": 1, "kill": 1, "stop-reading": 1, "rolling": 3} {
		if kinds[kind] != want {
			t.Errorf("%d faults are recorded as %s, want %d", kinds[kind], kind, want)
		}
	}
}

func TestARunOfWhichNoFaultBitProvesNothing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the command and runs processes")
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: t.TempDir(), Binary: binary, Nodes: 2, Length: 2 * time.Second, Network: NetworkSwitch, Say: t.Logf}
	o.Schedule = Schedule{{At: time.Second, Kind: Loss, Whom: []string{"client-1"}, Share: 1e-9}}
	r, err := Run(t.Context(), o)
	if !errors.Is(err, ErrNoBite) || r == nil || !strings.Contains(strings.Join(r.doubts(), "\n"), "did not bite") {
		t.Errorf("%v, want ErrNoBite beside a result that says so: %+v", err, r)
	}
}
