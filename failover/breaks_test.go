package failover_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// TestChecksCatch breaks what a core does, or what the checks believe of it, in a world with load: every invariant must be
// able to fail.
func TestChecksCatch(t *testing.T) {
	for _, tt := range breaks {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				r := recover()
				v, ok := r.(violation)
				if first, _, _ := strings.Cut(v.text, "\n"); !ok || !strings.Contains(first, tt.want) {
					t.Errorf("got %q %v, want a violation with %q", first, r, tt.want)
				}
			}()
			w := formed(catcher{t, 1}, worldConfig{seed: 1, nodes: 3, slots: 8, backups: 2, expect: 3})
			l := w.load(6, 3, 3)
			l.sleepers = append(l.sleepers, w.sleeper(0))
			l.sleepers[0].next()
			w.run(time.Second)
			tt.breaks(w, l)
			w.run(6 * time.Second)
			w.settled(10 * time.Second)
			w.finish(l)
			w.idle(5 * time.Second)
		})
	}
}

// breaks are the ways in which the world may be wrong, each with what the check that finds it says.
var breaks = []struct {
	name, want string
	breaks     func(w *world, l *workload)
}{
	{"an answer that counts a copy too many", "copies of", func(w *world, _ *workload) {
		w.forge = func(n *simNode, fx *replica.Effects) {
			for i := range fx.Done {
				if fx.Done[i].Result.Copies > 0 {
					fx.Done[i].Result.Copies += 2
				}
			}
		}
	}},
	{"a deposed primary whose clock stands still", "serve", func(w *world, _ *workload) {
		n := w.nodes["n1"]
		w.after(time.Second, func() {
			n.frozen = n.instant(w.now)
			w.split([]string{"n1"}, cutDrop)
			w.check.strict = true
		})
	}},
	{"a logged-out session that goes on", "lives on", func(w *world, _ *workload) {
		w.check.ended[replica.Key{App: "a", ID: "session-1"}] = 0
	}},
	{"an entry whose stamp is lower", "was under", func(w *world, _ *workload) {
		for i := range w.check.entries {
			w.check.entries[i] = lastEntry{0, replica.Stamp{Clock: 1 << 62, Boot: 1}}
		}
	}},
	{"a claim that falls", "forgot", func(w *world, _ *workload) {
		w.watch = func(n *simNode, e replica.Event) { w.check.known[n.self.Boot][e.Slot].Epoch += 100 }
		w.kill("n2", time.Second)
	}},
	{"a claim that nobody was told of", "to nobody", func(w *world, _ *workload) {
		for _, known := range w.check.known {
			known[3].Epoch--
		}
	}},
	{"a request that takes effect again", "again", func(w *world, _ *workload) {
		w.forge = func(*simNode, *replica.Effects) {
			for id, e := range w.check.effects {
				w.check.effects[id] = effect{replica.Stamp{Clock: 1}, e.at}
			}
		}
	}},
	{"a session that is over too early", "is over on", func(w *world, _ *workload) {
		for _, s := range w.check.idle {
			s.idle += time.Hour
		}
	}},
	{"a session that expires twice", "expires again", func(w *world, _ *workload) {
		w.forge = func(n *simNode, fx *replica.Effects) {
			for _, e := range fx.Events {
				if e.Kind == replica.EventExpired {
					fx.Events = append(fx.Events, e)
				}
			}
		}
	}},
	{"more transfers than allowed", "transfers under way, limit", func(w *world, _ *workload) {
		w.kill("n2", time.Second)
		w.after(2*time.Second, func() { w.restart("n2") })
		w.forge = func(n *simNode, _ *replica.Effects) {
			if n.core.Lessons() > 1 {
				n.core.Limit(1)
				w.checkBudgets(n) // some are over before anybody looks
			}
		}
	}},
	{"claims that never arrive", "not settled", func(w *world, _ *workload) {
		w.net.lose = func(_, _ *simNode, m replica.Message) bool {
			_, ok := m.(*replica.Claims)
			return ok
		}
		w.kill("n2", time.Second)
	}},
	{"an acknowledged attribute that is gone", "lacks the acknowledged", func(_ *world, l *workload) {
		l.collectors[0].acked["never set"] = true
	}},
	{"a logout that is undone in the end", "lives on n", func(_ *world, l *workload) {
		l.visitors[0].destroyed = append(l.visitors[0].destroyed, "session-1")
	}},
	{"a hand-off that never ends", "plans do not end", func(w *world, _ *workload) {
		w.forge = func(n *simNode, _ *replica.Effects) { n.core.Pretend() }
	}},
}
