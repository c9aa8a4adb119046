package replica

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// acknowledged is what a client was told of one commit.
type acknowledged struct {
	commit *Commit
	stamp  Stamp
}

// chaos commits at random to a primary with two backups and a learner over a network that drops, doubles and reorders.
type chaos struct {
	*rig
	rng     *rand.Rand
	seed    uint64
	sent    map[Token]*Commit
	effects map[RequestID]Stamp // the stamp that each request was answered with
	retries []*Commit
}

func newChaos(t *testing.T, seed uint64) *chaos {
	c := &chaos{
		rng: rand.New(rand.NewPCG(seed, 11)), seed: seed, sent: map[Token]*Commit{}, effects: map[RequestID]Stamp{},
		rig: newRig(t, 2, func(c *Config) { c.Limits.TailMax = 256; c.Limits.ChunkBytes = 300 }),
	}
	c.watch = c.answered
	return c
}

// answered holds an acknowledgement to its word at the moment at which it is given.
func (c *chaos) answered(token Token, res Result) {
	commit := c.sent[token]
	if commit == nil || res.Status != StatusOK || commit.Touch() {
		return
	}
	if first, ok := c.effects[commit.Request]; ok && first != res.Stamp {
		c.t.Fatalf("seed %d: request %v took effect at %v and at %v", c.seed, commit.Request, first, res.Stamp)
	}
	c.effects[commit.Request] = res.Stamp
	if got := c.holders(commit.Key, res.Stamp); got < res.Copies {
		c.t.Fatalf("seed %d: %v acknowledged with %d copies is on %d", c.seed, commit.Key, res.Copies, got)
	}
	if want := 3; commit.Durability == DurableAll && res.Copies < want {
		c.t.Fatalf("seed %d: %v durable on all was answered with %d copies", c.seed, commit.Key, res.Copies)
	}
}

// holders counts the replicas that have the session as it was at stamp, or later.
func (c *chaos) holders(k Key, stamp Stamp) int {
	n := 0
	for _, b := range c.claim.Replicas() {
		if r := c.slot(b).lookup(k); r != nil && !r.newest.Stamp.Less(stamp) {
			n++
		}
	}
	return n
}

func (c *chaos) randomCommit() *Commit {
	m := set(fmt.Sprint(c.rng.IntN(6)))
	m.Durability = Durability(c.rng.IntN(3))
	m.Request = RequestID{1, uint64(c.token) + 1}
	switch c.rng.IntN(12) {
	case 0, 1, 2:
		m.Create = true
		m.Idle = 3 * time.Second
	case 3:
		m.Renew = fmt.Sprint("r", c.rng.IntN(20))
	case 4:
		m.Destroy = c.rng.IntN(4) == 0
	}
	for range c.rng.IntN(3) {
		if name := fmt.Sprint(c.rng.IntN(5)); !m.Destroy && !slices.ContainsFunc(m.Changes, Change{Name: name}.sameName) {
			change := Change{Name: name, Delete: c.rng.IntN(4) == 0}
			if !change.Delete {
				change.Value = fmt.Append(nil, c.token)
			}
			m.Changes = append(m.Changes, change)
		}
	}
	return m
}

func (c *chaos) act() {
	switch c.rng.IntN(30) {
	case 0, 1, 2, 3, 4, 5:
		m := c.randomCommit()
		c.sent[c.token+1] = m
		c.retries = append(c.retries, m)
		c.send(m)
	case 6, 7:
		if len(c.retries) > 0 {
			m := c.retries[c.rng.IntN(len(c.retries))]
			c.sent[c.token+1] = m
			c.send(m)
		}
	case 8, 9:
		c.read(&Load{Key: key(fmt.Sprint(c.rng.IntN(6)))})
	case 10:
		c.pass(time.Duration(c.rng.IntN(300)) * time.Millisecond)
	case 11:
		c.step(1, func(s *Slot, fx *Effects) { s.Resend(c.now, Boot(2+c.rng.IntN(3)), fx) })
	case 12:
		if len(c.primary().Learners()) == 0 {
			c.teach(4)
		}
		c.chunk(4)
	default:
		c.shuffle(c.rng, 0.1, 0.1)
	}
	for b, s := range c.nodes {
		if err := check(s); err != nil {
			c.t.Fatalf("seed %d: boot %v: %v", c.seed, b, err)
		}
	}
}

// TestReplicasConverge is the heart of the package: whatever the network does, acknowledgements are true when they are
// given, requests take effect once, and in the end all replicas are equal.
func TestReplicasConverge(t *testing.T) {
	answered := 0
	for seed := range uint64(150) {
		c := newChaos(t, seed)
		for range 400 {
			c.act()
		}
		if len(c.primary().Learners()) == 0 {
			c.teach(4)
		}
		for range 40 {
			c.pass(200 * time.Millisecond)
			c.chunk(4)
			c.run()
		}
		if l := c.primary().Learners(); len(l) != 1 || !l[0].Ready {
			t.Fatalf("seed %d: the learner is not ready: %+v", seed, l)
		}
		if got := c.primary().Open(); got > 0 {
			t.Fatalf("seed %d: %d commits are open on a network that works", seed, got)
		}
		want := dump(c.slot(1))
		for _, b := range []Boot{2, 3, 4} {
			if got := dump(c.slot(b)); got != want {
				t.Fatalf("seed %d: boot %v has\n%swant\n%s", seed, b, got, want)
			}
		}
		for token := range c.sent {
			c.result(token)
		}
		if !reflect.DeepEqual(c.slot(1).requests.all(), c.slot(2).requests.all()) {
			t.Fatalf("seed %d: the backup remembers other requests", seed)
		}
		answered += len(c.effects)
	}
	if answered < 2000 {
		t.Errorf("only %d commits took effect: the test has become idle", answered)
	}
}

// TestAcknowledgedSurvivesPromotion kills the primary at random moments and asks for every acknowledged commit.
func TestAcknowledgedSurvivesPromotion(t *testing.T) {
	for seed := range uint64(300) {
		c := newChaos(t, seed)
		var acked []acknowledged
		c.watch = func(token Token, res Result) {
			if m := c.sent[token]; m != nil && res.Status == StatusOK && res.Copies > 1 && !m.Touch() {
				acked = append(acked, acknowledged{m, res.Stamp})
			}
		}
		for range 60 {
			c.act()
		}
		c.lose(1)
		delete(c.nodes, 1)
		a, b := c.slot(2), c.slot(3)
		for a.tail.head < b.tail.head {
			entries, complete := b.Tail(a.Position())
			if !complete {
				t.Fatalf("seed %d: backups do not join: %d and %d", seed, a.tail.head, b.tail.head)
			}
			a.Absorb(c.now, entries)
		}
		c.reclaim(2, 3)
		if b.tail.head < a.tail.head && a.Serving() {
			t.Fatalf("seed %d: serves reads that only it has", seed)
		}
		c.run()
		for _, k := range acked {
			if r := a.lookup(k.commit.Key); r == nil || r.newest.Stamp.Less(k.stamp) {
				t.Fatalf("seed %d: %v was acknowledged and is gone", seed, k.commit.Key)
			}
			if got := c.result(c.send(k.commit)); got.Status != StatusOK || got.Stamp != k.stamp || got.Copies != 2 {
				t.Fatalf("seed %d: retry of %v: got %+v, want stamp %v on 2", seed, k.commit.Key, got, k.stamp)
			}
		}
		if got, want := dump(b), dump(a); got != want {
			t.Fatalf("seed %d: backup has\n%swant\n%s", seed, got, want)
		}
	}
}
