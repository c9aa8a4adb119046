package chaos

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const everyKind = `
# one of each
5s kill primary 4s
10s pause node-1 3s
15s restart node-2 0s   # drains
20s cut node-1,client-1/node-2,node-3,node-4,client-2 8s
30s isolate node-3 5s
40s one-way node-1/node-2 5s
50s ring * 6s
1m bridge node-2 6s
1m10s flap node-1/node-2,client-2 6s
1m20s pull node-4 4s
1m30s loss * 5s share=12.5%
1m31s delay client-1 5s by=40ms jitter=20ms
1m32s duplicate * 5s share=10%
1m33s reorder node-1 5s share=10% by=30ms
1m34s reorder node-1 5s share=0.5%
1m35s join node-5 20s
1m36s skew primary 5s off=-3s rate=1.02
1m37s skew node-2 5s off=300ms
1m38s stop-reading * 5s
1m40s rolling * 1s
1m50s isolate primary 6s with=kill:node-2
`

func TestASchedulePrintsAsItIsRead(t *testing.T) {
	s, err := ParseSchedule(strings.NewReader(everyKind))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(4, 2); err != nil {
		t.Error(err)
	}
	if len(s) != 21 {
		t.Errorf("%d faults, want 21", len(s))
	}
	again, err := ParseSchedule(strings.NewReader(s.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, again); diff != "" {
		t.Errorf("printed and read again (-first +second):\n%s", diff)
	}
	want := Step{At: 91 * time.Second, Kind: Delay, Whom: []string{"client-1"}, For: 5 * time.Second, By: 40 * time.Millisecond, Jitter: 20 * time.Millisecond}
	if diff := cmp.Diff(want, s[11]); diff != "" {
		t.Errorf("the last fault (-want +got):\n%s", diff)
	}
}

func TestWhatAScheduleCannotMean(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"5s kill node-1", "line 1: write at least AT KIND WHOM FOR"},
		{"\n\nsoon kill node-1 4s", `line 3: "soon" is no time`},
		{"5s kill node-1 long", `"long" is no time: write how long`},
		{"5s explode node-1 4s", `unknown kind "explode"`},
		{"5s kill node-1,node-2 4s", "name one node, or primary"},
		{"5s kill client-1 4s", "name one node, or primary"},
		{"5s kill * 4s", "name one node, or primary"},
		{"5s cut node-1 4s", "name two sides"},
		{"5s cut node-1/node-1 4s", "node-1 is not on one side"},
		{"5s flap */node-1 4s", "* is not on one side"},
		{"5s ring node-1 4s", "write *"},
		{"5s loss node-1 4s", "share must be more than 0"},
		{"5s loss node-1 4s share=31%", "share must be more than 0 and at most 30%"},
		{"5s loss node-1 4s share=0.1", `"share=0.1" is no share`},
		{"5s loss node-1 4s share=NaN%", "share must be"},
		{"5s delay node-1 4s", "by must be more than 0"},
		{"5s delay node-1 4s by=1h", "at most 1s"},
		{"5s delay node-1 4s by=much", "holds no time"},
		{"5s kill node-1 4s share=10%", `kill takes no "share=10%"`},
		{"-5s kill node-1 4s", "times must be from 0"},
		{"48h kill node-1 4s", "times must be from 0"},
		{"5s duplicate node-1 4s", "share must be more than 0"},
		{"5s reorder node-1 4s by=30ms", "share must be more than 0"},
		{"5s reorder node-1 4s share=1% by=2s", "at most 1s"},
		{"5s duplicate node-1 4s share=1% by=1ms", `duplicate takes no "by=1ms"`},
		{"5s skew node-1 4s", "write by how much"},
		{"5s skew node-1 4s rate=1", "write by how much"},
		{"5s skew node-1 4s off=2h", "at most 1h"},
		{"5s skew node-1 4s rate=1.2", "rate must be from 0.9 to 1.1"},
		{"5s skew node-1 4s rate=0", "is no rate"},
		{"5s skew node-1 4s rate=NaN", "rate must be"},
		{"5s skew * 4s off=1s", "name one node"},
		{"5s join primary 4s", "name one node"},
		{"5s stop-reading node-1 4s", "write *"},
		{"5s rolling node-1 4s", "write *"},
		{"5s kill node-1 4s with=kill:node-2", "kill parts no nodes"},
		{"5s cut node-1/node-2 4s with=kill", "names nobody"},
		{"5s cut node-1/node-2 4s with=cut:node-1", "KIND is kill, pause or restart"},
		{"5s cut node-1/node-2 4s with=kill:client-1", "KIND is kill, pause or restart"},
		{strings.Repeat("x", lineMax+1), "line 1: longer than 4096 bytes"},
		{strings.Repeat("5s ring * 1s\n", stepsMax+1), "line 1001: more than 1000 faults"},
	} {
		_, err := ParseSchedule(strings.NewReader(c.text))
		if !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v; want ErrSchedule with %q", c.text, err, c.want)
		}
	}
}

func TestAScheduleFitsItsCluster(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"5s kill node-4 4s", "there is no node-4"},
		{"5s loss client-3 4s share=1%", "there is no client-3"},
		{"5s cut node-1/router 4s", "there is no router"},
		{"5s ring * 4s", "ring needs more than 3 nodes"},
		{"5s pull node-1 4s with=kill:node-4", "there is no node-4"},
		{"5s join node-3 4s", "node-3 cannot join: name one of node-4, node-5"},
		{"5s join node-6 4s", "node-6 cannot join"},
		{"5s skew node-4 4s off=1s", "there is no node-4"},
	} {
		s, err := ParseSchedule(strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(3, 2); !errors.Is(err, ErrSchedule) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want ErrSchedule with %q", c.text, err, c.want)
		}
	}
}

func TestTheSameSeedDrawsTheSameSchedule(t *testing.T) {
	first := Draw(7, 5, 4, 5*time.Minute)
	if diff := cmp.Diff(first, Draw(7, 5, 4, 5*time.Minute)); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, Draw(8, 5, 4, 5*time.Minute)) {
		t.Error("another seed draws the same schedule")
	}
}

func TestDrawnSchedulesCanBeDone(t *testing.T) {
	for seed := range uint64(300) {
		nodes, clients := 2+int(seed%5), 1+int(seed%4)
		length := time.Duration(10+seed) * time.Second
		s := Draw(seed, nodes, clients, length)
		if err := s.Validate(nodes, clients); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, err := ParseSchedule(strings.NewReader(s.String()))
		if err != nil || cmp.Diff(s, again) != "" {
			t.Fatalf("seed %d is not read as it was drawn: %v\n%s", seed, err, cmp.Diff(s, again))
		}
		over := time.Duration(0) // of the severe fault before
		for _, step := range s {
			if step.At < firstFault || step.At+step.For > length {
				t.Errorf("seed %d: %v lies outside of the load of %v", seed, step, length)
			}
			if step.Share > shareOfAll && step.Whom[0] == Everybody {
				t.Errorf("seed %d: %v is too much for all links", seed, step)
			}
			if !isMild[step.Kind] {
				if step.At <= over {
					t.Errorf("seed %d: %v begins before the one before is over", seed, step)
				}
				over = step.At + step.For
			}
		}
	}
}

func TestDrawnSchedulesHaveEveryKind(t *testing.T) {
	for seed := range uint64(100) {
		s := Draw(seed, 5, 4, 5*time.Minute)
		for _, k := range slices.Concat(severe, mild, []Kind{Join}) {
			if !slices.ContainsFunc(s, func(step Step) bool { return step.Kind == k }) {
				t.Errorf("seed %d: five minutes without %s", seed, k)
			}
		}
		for what, is := range map[string]func(Step) bool{
			"a fault within a split":                 func(s Step) bool { return s.With.Kind != "" },
			"a clock that is off by what is allowed": func(s Step) bool { return s.Kind == Skew && s.Off.Abs() <= skewWithin*time.Millisecond },
			"a clock that is further off":            func(s Step) bool { return s.Kind == Skew && s.Off.Abs() >= 2*skewWithin*time.Millisecond },
		} {
			if !slices.ContainsFunc(s, is) {
				t.Errorf("seed %d: five minutes without %s", seed, what)
			}
		}
	}
}

func TestADrawnScheduleRepeatsNoKindBeforeAllCame(t *testing.T) {
	for seed := range uint64(100) {
		for _, lane := range [][]Kind{severe, mild} {
			seen := make(map[Kind]bool)
			for _, step := range Draw(seed, 5, 4, 5*time.Minute) {
				switch {
				case !slices.Contains(lane, step.Kind):
				case seen[step.Kind] && len(seen) < len(lane):
					t.Errorf("seed %d: %s comes twice before all of %v", seed, step.Kind, lane)
				default:
					seen[step.Kind] = true
				}
			}
		}
	}
}

func TestARollingRestartIsLeftOutWhereThereIsNoTime(t *testing.T) {
	for seed := range uint64(50) {
		s := Draw(seed, 5, 4, 18*time.Second)
		if !slices.ContainsFunc(s, func(step Step) bool { return !isMild[step.Kind] }) {
			t.Errorf("seed %d has no severe fault:\n%v", seed, s)
		}
		if slices.ContainsFunc(s, func(step Step) bool { return step.Kind == Rolling }) {
			t.Errorf("seed %d restarts five nodes in 18 s:\n%v", seed, s)
		}
	}
}

func FuzzParseSchedule(f *testing.F) {
	f.Add(everyKind)
	f.Add("5s loss * 5s share=1e-3%")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSchedule(strings.NewReader(text))
		if err != nil {
			if !errors.Is(err, ErrSchedule) {
				t.Fatalf("%v is no ErrSchedule", err)
			}
			return
		}
		again, err := ParseSchedule(strings.NewReader(s.String()))
		if err != nil || len(again) != len(s) {
			t.Fatalf("printed as\n%sand read again: %v, %d faults of %d", s, err, len(again), len(s))
		}
	})
}
