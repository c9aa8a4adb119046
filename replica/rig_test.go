package replica

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// rig runs the replicas of one slot: it carries their effects from one to the other, as slowly and badly as a test
// wants.
type rig struct {
	t         testing.TB
	cfg       Config // of every replica; each has a clock of its own
	now       Instant
	nodes     map[Boot]*Slot
	claim     Claim
	wire      []mail
	done      map[Token]Result
	seen      []Event
	conflicts []Conflict
	token     Token
	steps     int
	watch     func(Token, Result) // told of every answer as it is given
}

type mail struct {
	from, to Boot
	msg      Message
}

const (
	testApp  = "shop"
	testWall = 1_700_000_000_000
)

// newRig makes a slot whose primary is boot 1 and whose backups are boots 2 and up.
func newRig(t testing.TB, backups int, change func(*Config)) *rig {
	r := &rig{
		t: t, cfg: Config{Slots: 1, MinCopies: 1}, now: Instant{Mono: time.Hour, Wall: testWall},
		nodes: map[Boot]*Slot{}, done: map[Token]Result{}, claim: Claim{Epoch: 1, Primary: 1},
	}
	if change != nil {
		change(&r.cfg)
	}
	r.cfg.Limits = r.cfg.Limits.WithDefaults()
	for b := range Boot(backups) {
		r.claim.Backups = append(r.claim.Backups, b+2)
	}
	for _, b := range r.claim.Backups {
		r.follow(b)
	}
	r.lead(1, make([]uint64, backups))
	return r
}

func (r *rig) slot(b Boot) *Slot {
	if r.nodes[b] == nil {
		cfg := r.cfg
		cfg.Clock = &Clock{Boot: b}
		r.nodes[b] = NewSlot(0, &cfg)
	}
	return r.nodes[b]
}

func (r *rig) primary() *Slot { return r.slot(r.claim.Primary) }

func (r *rig) step(b Boot, f func(s *Slot, fx *Effects)) {
	var fx Effects
	f(r.slot(b), &fx)
	if r.steps++; r.steps%2 == 0 {
		restAll(r.slot(b))
	}
	for _, e := range fx.Send {
		r.wire = append(r.wire, mail{b, e.To, e.Msg})
	}
	for _, d := range fx.Done {
		if _, twice := r.done[d.Token]; twice {
			r.t.Errorf("request %d was answered twice", d.Token)
		}
		r.done[d.Token] = d.Result
		if r.watch != nil {
			r.watch(d.Token, d.Result)
		}
	}
	r.seen = append(r.seen, fx.Events...)
	r.conflicts = append(r.conflicts, fx.Conflicts...)
}

func (r *rig) lead(b Boot, positions []uint64) {
	r.step(b, func(s *Slot, fx *Effects) { s.Lead(r.now, r.claim, positions, fx) })
}

func (r *rig) follow(b Boot) {
	r.step(b, func(s *Slot, fx *Effects) { s.Follow(r.claim, fx) })
}

// reclaim makes boot primary of the next epoch with the given backups, all of which have heard of it.
func (r *rig) reclaim(primary Boot, backups ...Boot) {
	r.claim = Claim{Epoch: r.claim.Epoch + 1, Primary: primary, Backups: backups}
	var positions []uint64
	for _, b := range backups {
		positions = append(positions, r.slot(b).tail.head)
		r.follow(b)
	}
	r.lead(primary, positions)
}

func (r *rig) send(c *Commit) Token {
	r.token++
	if c.NotAfter == 0 {
		c.NotAfter = r.now.Wall + 30_000
	}
	t := r.token
	r.step(r.claim.Primary, func(s *Slot, fx *Effects) { s.Commit(r.now, t, c, fx) })
	return t
}

func (r *rig) read(l *Load) Token {
	r.token++
	t := r.token
	r.step(r.claim.Primary, func(s *Slot, fx *Effects) { s.Load(r.now, t, l, fx) })
	return t
}

// result is the answer to a request, which must have come.
func (r *rig) result(t Token) Result {
	r.t.Helper()
	res, ok := r.done[t]
	if !ok {
		r.t.Fatalf("request %d was not answered", t)
	}
	return res
}

// commit sends a commit and carries messages until it is answered.
func (r *rig) commit(c *Commit) Result {
	r.t.Helper()
	t := r.send(c)
	r.run()
	return r.result(t)
}

func (r *rig) load(l *Load) Result {
	r.t.Helper()
	t := r.read(l)
	r.run()
	return r.result(t)
}

// run delivers everything, in order, until nothing is on the way.
func (r *rig) run() {
	for len(r.wire) > 0 {
		m := r.wire[0]
		r.wire = r.wire[1:]
		r.deliver(m)
	}
}

// deliver gives a message to its receiver under the rules that package failover holds.
func (r *rig) deliver(m mail) {
	to := r.slot(m.to)
	r.step(m.to, func(s *Slot, fx *Effects) {
		switch msg := m.msg.(type) {
		case *Update:
			if to.claim.Epoch == msg.Epoch && to.claim.Primary == m.from || to.role == Learner {
				s.Update(r.now, msg)
				s.FlushAck(fx)
			}
		case *Ack:
			s.Ack(r.now, m.from, msg, fx)
		case *Snapshot:
			if m.from == r.claim.Primary {
				s.Snapshot(r.now, m.from, r.claim, msg, fx)
			}
		case *SnapshotReply:
			s.SnapshotReply(r.now, m.from, msg, fx)
			s.SendChunk(r.now, m.from, fx)
		case *Offer:
			s.Offer(r.now, m.from, msg, fx)
		case *OfferReply:
			s.OfferReply(m.from, msg)
			s.OfferNext(r.now, m.from, 1<<60, fx)
		case *Fetch:
			s.Fetch(m.from, msg, fx)
		case *Fetched:
			s.Fetched(r.now, m.from, msg, fx)
		case *Check:
			s.Checked(msg, fx)
		}
	})
}

// lose drops everything that is on the way to or from a boot; zero means all.
func (r *rig) lose(b Boot) {
	kept := r.wire[:0]
	for _, m := range r.wire {
		if b != 0 && m.from != b && m.to != b {
			kept = append(kept, m)
		}
	}
	r.wire = kept
}

// shuffle delivers one random message out of order, twice or not at all.
func (r *rig) shuffle(rng *rand.Rand, drop, duplicate float64) {
	if len(r.wire) == 0 {
		return
	}
	i := rng.IntN(len(r.wire))
	m := r.wire[i]
	if rng.Float64() >= duplicate {
		r.wire = append(r.wire[:i], r.wire[i+1:]...)
	}
	if rng.Float64() >= drop {
		r.deliver(m)
	}
}

// pass lets time go by, in steps of 50 ms, and ticks every replica.
func (r *rig) pass(d time.Duration) {
	const step = 50 * time.Millisecond
	for end := r.now.Mono + d; r.now.Mono < end; {
		r.sleep(min(step, end-r.now.Mono))
		r.tick()
	}
}

func (r *rig) sleep(d time.Duration) {
	r.now.Mono += d
	r.now.Wall += d.Milliseconds()
}

func (r *rig) tick() {
	for b := Boot(1); b <= 9; b++ {
		if r.nodes[b] != nil {
			r.step(b, func(s *Slot, fx *Effects) { s.Tick(r.now, fx) })
		}
	}
}

func key(id string) Key { return Key{testApp, id} }

func set(id string, pairs ...string) *Commit {
	c := &Commit{Key: key(id)}
	for i := 0; i < len(pairs); i += 2 {
		c.Changes = append(c.Changes, Change{Name: pairs[i], Value: []byte(pairs[i+1])})
	}
	return c
}

func create(id string, pairs ...string) *Commit {
	c := set(id, pairs...)
	c.Create = true
	return c
}

func destroy(id string) *Commit { return &Commit{Key: key(id), Destroy: true} }

func (r *rig) must(c *Commit) Result {
	r.t.Helper()
	res := r.commit(c)
	if res.Status != StatusOK {
		r.t.Fatalf("commit to %v: %v", c.Key, res.Err())
	}
	return res
}

func (r *rig) wantStatus(t Token, want Status) {
	r.t.Helper()
	if got := r.result(t); got.Status != want {
		r.t.Errorf("request %d: got %v (%s), want %v", t, got.Status, got.Detail, want)
	}
}

func (r *rig) pending(t Token) {
	r.t.Helper()
	if res, ok := r.done[t]; ok {
		r.t.Errorf("request %d was answered before its time: %v", t, res.Status)
	}
}

// restAll packs every session that may rest, as happens at any moment between two steps.
func restAll(s *Slot) {
	s.awake = slices.DeleteFunc(s.awake, func(r *record) bool {
		if !r.open() {
			r.lie()
		}
		return !r.open()
	})
}

// dump is all that a replica knows of its sessions.
func dump(s *Slot) string {
	out := ""
	for _, r := range s.records.sorted() {
		out += describe(r.view())
	}
	return out
}

func describe(v *Session) string {
	out := fmt.Sprintf("%s ending %d until %d stamp %v touched %v born %v settings %v:", v.Key.ID, v.Ending, v.Until, v.Stamp, v.Touched, v.Born, v.Settings)
	for _, a := range v.Attrs {
		out += fmt.Sprintf(" %s=%s@%v,%v", a.Name, a.Value, a.Stamp, a.Deleted)
	}
	return out + "\n"
}

// check holds a slot against the invariants that its fields state.
func check(s *Slot) error {
	open, size := 0, 0
	for i, item := range s.tail.items {
		if want := s.tail.first() + uint64(i); item.entry.Seq != want {
			return fmt.Errorf("tail entry %d has number %d, want %d", i, item.entry.Seq, want)
		}
		size += item.sizeBytes
		if item.open {
			open++
		}
	}
	switch {
	case open != s.tail.opened || size != s.tail.sizeBytes:
		return fmt.Errorf("tail counts %d open, %d bytes; has %d, %d", s.tail.opened, s.tail.sizeBytes, open, size)
	case s.tail.committed > s.tail.head:
		return fmt.Errorf("committed %d past head %d", s.tail.committed, s.tail.head)
	case s.requests.check() != nil:
		return s.requests.check()
	case len(s.expiry) != s.records.len():
		return fmt.Errorf("%d records, %d of them scheduled", s.records.len(), len(s.expiry))
	}
	for _, f := range s.followers {
		if f.acked > f.sent || f.sent > s.tail.head {
			return fmt.Errorf("follower %v: acked %d, sent %d, head %d", f.boot, f.acked, f.sent, s.tail.head)
		}
	}
	if s.cfg.Memory == nil {
		if err := checkMemory(s); err != nil {
			return err
		}
	}
	return checkRecords(s)
}

func checkRecords(s *Slot) error {
	for i, r := range s.expiry {
		if int(r.index) != i || s.records.find(r.key()) != r {
			return fmt.Errorf("record %v stands at %d and says %d", r.key(), i, r.index)
		}
	}
	for _, r := range s.records.sorted() {
		v := r.view()
		if v == nil {
			return fmt.Errorf("a record that stands at %d is empty", r.index)
		}
		if err := checkPacked(v); err != nil {
			return err
		}
		if r.accessed < v.Accessed {
			return fmt.Errorf("record %v: accessed %v, newest %v", v.Key, r.accessed, v.Accessed)
		}
		if r.versions == nil {
			continue
		}
		if len(r.pending) == 0 && r.newest != r.durable {
			return fmt.Errorf("record %v has nothing pending and a version that reads do not see", r.key())
		}
		for _, seq := range r.pending {
			if item := s.tail.at(seq); item == nil || !item.open {
				return fmt.Errorf("record %v waits for entry %d, which is not open", r.key(), seq)
			}
		}
	}
	return nil
}

// checkPacked packs and unpacks a session.
func checkPacked(want *Session) error {
	got := (&record{rest: pack(want)}).view()
	if same := *want; !slices.EqualFunc(got.Attrs, want.Attrs, sameAttr) {
		return fmt.Errorf("packed %s, unpacked %s", describe(want), describe(got))
	} else if same = *same.holding(got.Attrs); !reflect.DeepEqual(*got, same) {
		return fmt.Errorf("packed %+v, unpacked %+v", *want, *got)
	}
	return nil
}

func sameAttr(a, b *Attr) bool {
	return a.Name == b.Name && bytes.Equal(a.Value, b.Value) && a.Stamp == b.Stamp && a.Deleted == b.Deleted
}

// knows reports whether a request is remembered.
func (l *requestLog) knows(id RequestID) bool {
	_, ok := l.find(id)
	return ok
}

// check reports what the counts of a log have wrong.
func (l *requestLog) check() error {
	all, over, split := 0, 0, 0
	for i, b := range l.due {
		held, before := 0, uint32(0)
		for p := b.first; p != 0; before, p = p, l.kept[p].next {
			k := l.kept[p]
			if k.batch != b.number || k.prev != before || held > b.count {
				return fmt.Errorf("place %d in batch %d, after %d, is in %d, after %d", p, b.number, before, k.batch, k.prev)
			}
			held++
			if l.placeOf(k.id) != p {
				return fmt.Errorf("request %v is in a batch and not by its id", k.id)
			}
		}
		if all += held; b.over {
			over += held
		}
		if b.split {
			split += held
		}
		if held != b.count || b.split && !b.over || i > 0 && b.until < l.due[i-1].until {
			return fmt.Errorf("batch %d of %d counts %d, has %d; over %v, split %v", i, len(l.due), b.count, held, b.over, b.split)
		}
	}
	if used := len(l.kept) - 1 - len(l.free); used != all || len(l.named) != len(l.kept) || len(l.hid) > all {
		return fmt.Errorf("%d places are used by %d requests; %d hid something", used, all, len(l.hid))
	}
	if all != l.byID.len() || over != l.over || split != l.split {
		return fmt.Errorf("%d requests by id, %d in batches; %d over, counted %d; %d split, counted %d", l.byID.len(), all, over, l.over, split, l.split)
	}
	return nil
}
