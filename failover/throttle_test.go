package failover_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/failover"
	"github.com/sessnode/sessnode/replica"
)

// lone is a core whose gossip and clock a test plays.
func lone(t *testing.T, change func(*failover.Config)) *failover.Core {
	cfg := failover.Config{Self: replica.Member{Boot: 1, Name: "self"}, Slots: 4, Backups: 1, Random: rand.New(rand.NewPCG(1, 2))}
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return failover.New(cfg, at(time.Hour))
}

func at(d time.Duration) replica.Instant { return replica.Instant{Mono: d, Wall: 1_000_000} }

// TestSettling plays changes of membership and asks how long slots wait then.
func TestSettling(t *testing.T) {
	type change struct {
		after time.Duration
		boots []replica.Boot // of members a, b, c, in this order
	}
	const s = time.Second
	both := []replica.Boot{2, 3}
	for name, tt := range map[string]struct {
		changes []change
		left    bool // the one who goes says so
		want    time.Duration
	}{
		"nothing new":           {[]change{{0, both}, {4 * s, both}}, false, 6 * s},
		"one comes":             {[]change{{0, both}, {4 * s, []replica.Boot{2, 3, 4}}}, false, 10 * s},
		"one goes":              {[]change{{0, both}, {4 * s, []replica.Boot{2}}}, false, 10 * s},
		"comes back":            {[]change{{0, both}, {4 * s, []replica.Boot{2}}, {5 * s, both}}, false, 20 * s},
		"another boot":          {[]change{{0, both}, {4 * s, []replica.Boot{2}}, {5 * s, []replica.Boot{2, 13}}}, false, 20 * s},
		"another boot at once":  {[]change{{0, both}, {4 * s, []replica.Boot{2, 13}}}, false, 20 * s},
		"comes back late":       {[]change{{0, both}, {4 * s, []replica.Boot{2}}, {61 * s, both}}, false, 10 * s},
		"comes back as planned": {[]change{{0, both}, {4 * s, []replica.Boot{2}}, {5 * s, []replica.Boot{2, 13}}}, true, 10 * s},
		"flaps": {[]change{{0, both}, {s, []replica.Boot{2}}, {s, both}, {s, []replica.Boot{2}}, {s, both},
			{s, []replica.Boot{2}}, {s, both}, {s, []replica.Boot{2}}, {s, both}}, false, 80 * s},
		"flapped long ago": {[]change{{0, both}, {s, []replica.Boot{2}}, {s, both}, {s, []replica.Boot{2}}, {s, both},
			{81 * s, []replica.Boot{2}}}, false, 20 * s},
	} {
		t.Run(name, func(t *testing.T) {
			c := lone(t, nil)
			now := time.Hour
			for _, ch := range tt.changes {
				now += ch.after
				var members []replica.Member
				for _, b := range ch.boots {
					members = append(members, replica.Member{Boot: b, Name: string(rune('a' + b%10))})
				}
				if tt.left && len(ch.boots) == 1 {
					c.Receive(at(now), 3, &replica.Leaving{}, &replica.Effects{})
				}
				c.SetMembers(at(now), members)
			}
			if got := c.Settling(at(now)); got != tt.want {
				t.Errorf("slots wait %v, want %v", got, tt.want)
			}
		})
	}
}

// TestSlowRequests plays ten seconds of requests after a minute of usual ones.
func TestSlowRequests(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		usual, now time.Duration
		factor     float64
		want       bool
	}{
		"as usual":            {2 * ms, 2 * ms, 0, false},
		"three times":         {2 * ms, 6 * ms, 0, false},
		"five times":          {2 * ms, 10 * ms, 0, true},
		"five times, allowed": {2 * ms, 10 * ms, 6, false},
		"below the floor":     {100 * time.Microsecond, 4 * ms, 0, false},
		"none any more":       {2 * ms, 0, 0, false},
		"none before":         {0, 100 * ms, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := lone(t, func(cfg *failover.Config) { cfg.SlowFactor = tt.factor })
			now := time.Hour
			play := func(took, d time.Duration) {
				for end := now + d; now < end; now += 50 * ms {
					if took > 0 {
						c.Observe(took - took/10)
						c.Observe(took + took/10)
					}
					c.Look(at(now))
				}
			}
			play(tt.usual, time.Minute)
			if c.Slow(at(now)) {
				t.Error("slow as usual")
			}
			if tt.now == 0 {
				play(50*tt.usual, time.Second)
			}
			play(tt.now, 10*time.Second)
			if got := c.Slow(at(now)); got != tt.want {
				t.Errorf("slow %v, want %v", got, tt.want)
			}
			play(tt.usual, 5*time.Second)
			if c.Slow(at(now)) {
				t.Error("still slow after five seconds as usual")
			}
			play(100*ms, 5*time.Minute)
			if c.Slow(at(now)) {
				t.Error("slow for good: what stays should become usual")
			}
		})
	}
}

// TestMovesPauseWhileRequestsAreSlow: no slot moves home meanwhile, copies are restored all the same, and when requests
// are as usual again the moves go on by themselves.
func TestMovesPauseWhileRequestsAreSlow(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 64, backups: 1, expect: 4, settle: 500 * time.Millisecond})
	w.took = 2 * time.Millisecond
	l := w.load(40, 0, 0)
	w.run(5 * time.Second)
	w.took = 40 * time.Millisecond
	w.kill("n4", time.Second)
	w.run(3 * time.Second)
	w.settled(5 * time.Second)
	moves := 0
	w.net.spy = func(_, _ *simNode, m replica.Message) {
		if s, ok := m.(*replica.Snapshot); ok && s.Move {
			moves++
		}
		if _, ok := m.(*replica.HandOff); ok {
			moves++
		}
	}
	w.restart("n4")
	w.run(10 * time.Second)
	if moves > 0 {
		t.Errorf("%d moves while requests are slow", moves)
	}
	if got := w.progress("n1").Waiting; got != "requests are slow" {
		t.Errorf("n1 waits for %q, want that requests are slow", got)
	}
	w.took = 2 * time.Millisecond
	w.home(20 * time.Second)
	w.finish(l)
}

// TestFlappingMemberMovesNothing: a node that dies and comes back every few seconds is given nothing but missing copies,
// until it stays.
func TestFlappingMemberMovesNothing(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 4, slots: 64, backups: 1, expect: 4, settle: time.Second})
	l := w.load(20, 0, 0)
	w.run(2 * time.Second)
	moves := 0
	w.net.spy = func(_, _ *simNode, m replica.Message) {
		if s, ok := m.(*replica.Snapshot); ok && s.Move {
			moves++
		}
	}
	for i := range 5 {
		w.kill("n4", 500*time.Millisecond)
		w.run(2 * time.Second)
		w.restart("n4")
		w.run(1500 * time.Millisecond)
		if i < 2 {
			moves = 0 // the first two times are no pattern yet
		}
	}
	if moves > 0 {
		t.Errorf("%d chunks of moves for a member that comes and goes", moves)
	}
	if got, want := w.progress("n1").Waiting, "members come and go: settling "; !strings.HasPrefix(got, want) {
		t.Errorf("n1 waits for %q, want %q and a time", got, want)
	}
	w.home(20 * time.Second)
	w.finish(l)
}

// TestConfigIsChecked: what no node can work with is refused before it starts.
func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*failover.Config){
		"bytes":        func(c *failover.Config) { c.BytesPerSecond = 1000 },
		"bytes below":  func(c *failover.Config) { c.BytesPerSecond = -1 },
		"slow factor":  func(c *failover.Config) { c.SlowFactor = 1 },
		"slow below":   func(c *failover.Config) { c.SlowFactor = -3 },
		"moves below":  func(c *failover.Config) { c.MovesMax = -1 },
		"settle below": func(c *failover.Config) { c.Settle = -1 },
	} {
		cfg := failover.Config{Self: replica.Member{Boot: 1, Name: "x"}, Slots: 1, Random: rand.New(rand.NewPCG(1, 2))}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRefusedSenderTriesAnother: five nodes want to fill a sixth that takes one move at a time. Who is refused leaves it
// alone for a while: that does not cost a message per look at the slots.
func TestRefusedSenderTriesAnother(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 5, slots: 64, backups: 1, expect: 5, moves: 1, settle: 200 * time.Millisecond, budget: 64 << 10})
	w.fill(300, 8<<10)
	w.run(2 * time.Second)
	w.kill("n5", time.Second)
	w.run(5 * time.Second)
	w.settled(2 * time.Minute)
	refused, began := 0, time.Duration(0)
	w.net.spy = func(_, _ *simNode, m replica.Message) {
		if r, ok := m.(*replica.SnapshotReply); ok && r.Refused {
			refused++
		}
		if s, ok := m.(*replica.Snapshot); ok && s.Move && began == 0 {
			began = w.now
		}
	}
	w.restart("n5")
	w.home(5 * time.Minute)
	if perSecond := float64(refused) / (w.now - began).Seconds(); perSecond > 10 || refused == 0 {
		t.Errorf("%.1f refusals a second by a node with four others", perSecond)
	}
}

// TestCopiesBeforeMoves: a node joins, and before slots have moved there another dies. No move begins while a copy is
// missing anywhere on the node that would make it.
func TestCopiesBeforeMoves(t *testing.T) {
	w := formed(t, worldConfig{seed: 1, nodes: 5, slots: 64, backups: 1, expect: 5, settle: 100 * time.Millisecond})
	w.fill(300, 8<<10)
	w.run(2 * time.Second)
	w.kill("n5", time.Second)
	w.run(5 * time.Second)
	w.settled(time.Minute)
	w.kill("n4", time.Second)
	w.run(500 * time.Millisecond)
	w.restart("n5")
	early, until := 0, w.now+2500*time.Millisecond
	w.net.lose = func(from, _ *simNode, m replica.Message) bool {
		s, ok := m.(*replica.Snapshot)
		if ok && s.Move && s.Chunk == 0 && w.progress(from.name).Restoring > 0 {
			early++
		}
		return ok && !s.Move && s.Chunk > 0 && w.now < until // so that restoring takes a while
	}
	w.run(time.Second)
	said := map[string]bool{}
	for range 20 {
		w.run(50 * time.Millisecond)
		for _, name := range w.up() {
			said[w.progress(name).Waiting] = true
		}
	}
	w.home(time.Minute)
	if early > 0 || !said["restoring copies first"] {
		t.Errorf("%d moves began while copies were missing; meanwhile it said %v", early, said)
	}
}

// TestNextCandidateGetsItsTurn: the member that home wants copies on answers no chunk, and is well otherwise. Others get
// the copies.
func TestNextCandidateGetsItsTurn(t *testing.T) {
	w := formed(t, worldConfig{seed: 3, nodes: 4, slots: 32, backups: 1, expect: 4})
	l := w.load(20, 0, 0)
	w.run(time.Second)
	w.net.lose = func(_, to *simNode, m replica.Message) bool {
		_, ok := m.(*replica.Snapshot)
		return ok && to.name == "n2"
	}
	w.kill("n4", time.Second)
	w.run(2 * time.Second)
	w.settled(12 * time.Second)
	w.finish(l)
}
