package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/replica"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	ten := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, tt := range []struct {
		of   []time.Duration
		p    float64
		want time.Duration
	}{
		{nil, 0.5, 0}, {ten[:1], 0.99, 1}, {ten, 0, 1}, {ten, 0.1, 1}, {ten, 0.5, 5}, {ten, 0.51, 6}, {ten, 0.99, 10}, {ten, 1, 10},
	} {
		if got := percentile(tt.of, tt.p); got != tt.want {
			t.Errorf("percentile(%v, %v) = %d, want %d", tt.of, tt.p, got, tt.want)
		}
	}
}

func TestNothingMeasuredMeetsNoTarget(t *testing.T) {
	var r Result
	r.spread("deaths", nil, time.Second, time.Second)
	if r.Missed() != 2 {
		t.Errorf("%d missed, want 2: %v", r.Missed(), r.Figures)
	}
}

func TestRequestsAreDueAtAFixedRate(t *testing.T) {
	began := time.Unix(1000, 0)
	for i, want := range map[int]time.Duration{0: 0, 1: time.Second / 3, 3: time.Second, 3 * 86400: 24 * time.Hour} {
		if got := dueAt(began, i, 3).Sub(began); got != want {
			t.Errorf("request %d of 3 per second is due after %v, want %v", i, got, want)
		}
	}
}

func TestTookBetweenSelectsAndSorts(t *testing.T) {
	at := time.Unix(1000, 0)
	samples := []sample{{at.Add(-1), 9, 0}, {at, 3, 0}, {at.Add(1), 1, 0}, {at.Add(1), 7, 1}, {at.Add(2), 8, 0}}
	got := tookBetween(samples, at, at.Add(2), func(slot uint32) bool { return slot == 0 })
	if diff := cmp.Diff([]time.Duration{1, 3}, got); diff != "" {
		t.Errorf("tookBetween: %s", diff)
	}
}

// An account must pass what a correct store may answer, and nothing else.
func TestAccountJudgesReads(t *testing.T) {
	acknowledge := func(a *account) { a.acknowledged(a.next()) }
	unsure := func(a *account) { a.next() }
	read := func(v uint64) func(*account) { return func(a *account) { _ = a.read(0, v) } }
	for _, tt := range []struct {
		name    string
		history []func(*account)
		read    uint64
		wrong   bool
	}{
		{"what was acknowledged", []func(*account){acknowledge, acknowledge}, 2, false},
		{"lost", []func(*account){acknowledge, acknowledge}, 1, true},
		{"lost all", []func(*account){acknowledge}, 0, true},
		{"never written", []func(*account){acknowledge}, 2, true},
		{"unknown outcome, took effect", []func(*account){acknowledge, unsure}, 2, false},
		{"unknown outcome, did not", []func(*account){acknowledge, unsure}, 1, false},
		{"unknown outcome, read, then gone", []func(*account){acknowledge, unsure, read(2)}, 1, true},
		{"overwritten by a late one", []func(*account){unsure, acknowledge}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &account{}
			for _, step := range tt.history {
				step(a)
			}
			if err := a.read(a.floor(), tt.read); errors.Is(err, errWrong) != tt.wrong {
				t.Errorf("read of %d: %v, want an error: %v", tt.read, err, tt.wrong)
			}
		})
	}
}

// A read that began before an acknowledgement may miss it.
func TestAReadIsComparedWithItsBeginning(t *testing.T) {
	a := &account{}
	a.acknowledged(a.next())
	floor := a.floor()
	a.acknowledged(a.next())
	if err := a.read(floor, 1); err != nil {
		t.Error(err)
	}
}

// fakeStore is a store of one counter that may forget, refuse or answer late.
type fakeStore struct {
	mu     sync.Mutex // guards value
	value  uint64
	stale  bool
	loads  error
	commit error
}

func (f *fakeStore) Load(context.Context, *replica.Load) (replica.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	value := f.value
	if f.stale && value > 0 {
		value--
	}
	return replica.Result{Session: &replica.Session{Attrs: []*replica.Attr{
		{Name: counterName, Value: binary.BigEndian.AppendUint64(nil, value)},
	}}}, f.loads
}

func (f *fakeStore) Commit(_ context.Context, c *replica.Commit) (replica.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.value = binary.BigEndian.Uint64(c.Changes[0].Value)
	return replica.Result{Copies: 2}, f.commit
}

func TestLoadTellsFailedFromWrong(t *testing.T) {
	for _, tt := range []struct {
		name                    string
		store                   *fakeStore
		answered, failed, wrong int
	}{
		{"a correct store", &fakeStore{}, 10, 0, 0},
		{"a stale one", &fakeStore{stale: true}, 1, 0, 9},
		{"one that lost the session", &fakeStore{loads: replica.ErrNotFound}, 0, 0, 10},
		{"one that is out of reach", &fakeStore{loads: replica.ErrUnavailable}, 0, 10, 0},
		{"one that does not acknowledge", &fakeStore{commit: replica.ErrUnavailable}, 0, 10, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &load{store: tt.store, sessions: []*session{{id: "x"}}}
			for range 10 {
				l.request(time.Now(), l.sessions[0])
			}
			if len(l.samples) != tt.answered || l.failed != tt.failed || l.wrong != tt.wrong {
				t.Errorf("%d answered, %d failed, %d wrong; want %d, %d, %d; %q",
					len(l.samples), l.failed, l.wrong, tt.answered, tt.failed, tt.wrong, l.faults)
			}
		})
	}
}

func TestLoadRunsUntilItIsStopped(t *testing.T) {
	l := &load{store: &fakeStore{}, sessions: []*session{{id: "x"}, {id: "y"}}}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l.run(ctx, 1000)
	if len(l.answered()) > 1 {
		t.Errorf("%d requests after the end", len(l.answered()))
	}
}

func member1(boot replica.Boot, name string) replica.Member {
	return replica.Member{Boot: boot, Name: name}
}

func TestPromotedIsTheFirstOtherPrimary(t *testing.T) {
	at := time.Unix(1000, 0)
	a, b, c := member1(1, "a"), member1(2, "b"), member1(3, "c")
	held := placement{epoch: 1, primary: a, backups: []replica.Member{b}}
	changes := []change{
		{at.Add(1), 0, held, placement{epoch: 2, primary: a}}, // evicts its backup in the moment that it dies
		{at.Add(2), 0, held, placement{epoch: 3, primary: b}},
		{at.Add(3), 0, held, placement{epoch: 4, primary: c}},
		{at.Add(4), 1, held, placement{epoch: 2}}, // of a node that the client does not know yet
		{at.Add(5), 7, held, placement{epoch: 2, primary: b}},
	}
	want := map[uint32]time.Time{0: at.Add(2)}
	if diff := cmp.Diff(want, promoted(changes, []uint32{0, 1, 2}, "a")); diff != "" {
		t.Error(diff)
	}
}

func TestGainedCountsNewReplicas(t *testing.T) {
	a, b, c := member1(1, "a"), member1(2, "b"), member1(3, "c")
	before := placement{primary: a, backups: []replica.Member{b}}
	for want, after := range []placement{
		{primary: b, backups: []replica.Member{a}},
		{primary: b, backups: []replica.Member{a, c}},
		{primary: c, backups: []replica.Member{member1(4, "a")}}, // another boot holds nothing of the first
	} {
		if got := after.gained(before); got != want {
			t.Errorf("%v gained %d replicas, want %d", after, got, want)
		}
	}
}

func TestTrafficFindsTheFastestSecond(t *testing.T) {
	at := time.Unix(1000, 0)
	quiet, busy := &traffic{}, &traffic{}
	for i := range uint64(20) {
		quiet.note("a", at.Add(time.Duration(i)*250*time.Millisecond), 100*i)
		busy.note("a", at.Add(time.Duration(i)*250*time.Millisecond), 100*i+1000*min(max(i, 9)-9, 4)) // 1 s with 1,000 in a quarter
	}
	if got := quiet.fastest(time.Second); got != 400 {
		t.Errorf("fastest second: %v, want 400", got)
	}
	if got := busy.fastest(time.Second); got != 4400 {
		t.Errorf("fastest second: %v, want 4400", got)
	}
	if got := quiet.total(); got != 1900 {
		t.Errorf("total: %d, want 1900", got)
	}
}

func TestBusyTellsWhoseTimeItWas(t *testing.T) {
	before := readTicks([]byte("cpu  100 0 50 900 9 0 0 0 0 0\ncpu0 …"), []byte("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 20 5 30 5 0"))
	after := readTicks([]byte("cpu  200 10 100 999 9 20 10 10 0 0\n"), []byte("7 (a) b) S 1 2 3 4 5 6 7 8 9 10 40 15 80 15 0"))
	want := Busy{Nodes: 0.3, Load: 0.15, Others: 0.55}
	if got := after.since(before, 2*time.Second); got != want {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestVerdicts(t *testing.T) {
	var r Result
	r.under("a", 9.99, "ms", 10)
	r.under("b", 10, "ms", 10)
	r.atMost("c", 2, "", 2)
	r.atMost("d", ratio(1, 0), "", 2)
	r.none("e", 1)
	r.absent("f", "< 1")
	r.show("g", 123456, "")
	var got []string
	for _, f := range r.Figures {
		got = append(got, strings.TrimSpace(f.Name+" "+f.Measured()+" "+f.Target+" "+string(f.Verdict)))
	}
	want := []string{
		"a 9.99 ms < 10 ms met", "b 10 ms < 10 ms missed", "c 2 ≤ 2 met", "d 0 ≤ 2 missed", "e 1 = 0 missed",
		"f – < 1 not measured", "g 123456",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Missed() != 3 {
		t.Errorf("%d missed, want 3", r.Missed())
	}
}

func TestReportShowsEveryScenario(t *testing.T) {
	var results []Result
	for _, s := range Scenarios() {
		r := Result{Scenario: s.Name, Version: "v1"}
		r.under("time", 1, "s", 2)
		results = Replace(results, r)
	}
	results = Replace(results, Result{Scenario: "join", Faults: []string{"a|b"}})
	if len(results) != len(Scenarios()) {
		t.Fatalf("%d results of %d scenarios", len(results), len(Scenarios()))
	}
	var b strings.Builder
	if err := Report(&b, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"`sessnode bench death`", "| time | 1 s | < 2 s | met |", `a\|b`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, b.String())
		}
	}
	if err := Report(&b, []Result{{Scenario: "gone"}}); err == nil {
		t.Error("an unknown scenario is reported")
	}
}

// The formulas by which a cluster is planned are those of the guide.
func TestPlanIsTheGuides(t *testing.T) {
	guide, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf("sessions × (bytes + %d) × (1 + backups) / (nodes − 1)", sessionOverhead),
		fmt.Sprintf("heap + max(heap, headroom) + %d MB", processOverhead/1_000_000),
		fmt.Sprintf("%d MiB, at most 1/%d of -memory", headroomMax>>20, headroomShare),
	} {
		if !strings.Contains(string(guide), want) {
			t.Errorf("docs/OPERATIONS.md does not plan %q", want)
		}
	}
	headroom := plannedHeadroom(0)
	if heap := plannedHeap(1_000_000, 1024, 4); heap != 637_000_000 || plannedProcess(heap, headroom) != 1_324_000_000 {
		t.Errorf("a million sessions of 1 KiB on five nodes, one of them gone: %d, %d", heap, plannedProcess(heap, headroom))
	}
	if process := plannedProcess(10_000_000, headroom); process != 194_217_728 {
		t.Errorf("a node with a heap of 10 MB takes %d, want 10 MB, 128 MiB and 50 MB", process)
	}
	if headroom := plannedHeadroom(100 << 20); headroom != 100<<20/8 {
		t.Errorf("headroom with -memory 100MiB: %d, want an eighth", headroom)
	}
}
