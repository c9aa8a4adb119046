package check

import (
	"cmp"
	"container/heap"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// The simulated store does what sessnode promises, in one thread and with the simplest means: while there is no split one
// copy of everything, in a split one for each side, merged attribute by attribute when it is over.

// value is an attribute, with the stamp of its write.
type value struct {
	text  string
	stamp int
}

// record is a session in one copy of the store.
type record struct {
	attrs     map[string]value
	destroyed int // stamp of the logout; zero: none
	expired   bool
	idle      time.Duration // zero: no time-out
	extra     time.Duration // by how much expiry waits longer
	accessed  time.Duration
	lock      string // token of who holds it
}

func (r *record) clone() *record {
	c := *r
	c.attrs = maps.Clone(r.attrs)
	return &c
}

// copyOf is the store as one side sees it.
type copyOf map[string]*record

// simulation is one run.
type simulation struct {
	dice   *rand.Rand
	now    time.Duration
	queue  events
	serial int // of events, so that equal times keep their order
	stamp  int
	h      *history.History

	sides   []copyOf       // one, or one for each side of the split
	side    map[string]int // of each client
	split   *history.Split // under way
	parted  int            // newest stamp when it began
	seen    map[string]string
	holding map[string]string // client → token
	names   int
	live    map[string][]string // sessions by what they are for
}

type event struct {
	at     time.Duration
	serial int
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return cmp.Or(cmp.Compare(e[i].at, e[k].at), e[i].serial-e[k].serial) < 0
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (s *simulation) after(d time.Duration, do func()) {
	s.serial++
	heap.Push(&s.queue, event{s.now + d, s.serial, do})
}

// simLength is how long clients are at work.
const simLength = 40 * time.Second

// simulate is a valid history of a seed: eight clients, two nodes, splits, kills of one node, unknown outcomes.
func simulate(seed uint64) *history.History {
	s := &simulation{
		dice: rand.New(rand.NewPCG(seed, 0)), h: &history.History{Run: history.Run{Seed: seed, Copies: 2}},
		sides: []copyOf{{}}, side: make(map[string]int), seen: make(map[string]string), holding: make(map[string]string),
		live: make(map[string][]string),
	}
	for _, kind := range []string{"set", "set", "counter", "counter", "register", "register", "lock", "login", "idle"} {
		s.newSession("c0", kind)
	}
	for c := range 8 {
		client := fmt.Sprintf("c%d", c)
		s.after(time.Second+s.upTo(100*time.Millisecond), func() { s.work(client) })
	}
	for at := 6 * time.Second; at < simLength-8*time.Second; at += 9*time.Second + s.upTo(4*time.Second) {
		s.after(at, s.cut)
	}
	s.after(5*time.Second+s.upTo(20*time.Second), s.kill)
	for len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.now = e.at
		e.do()
	}
	s.now += 40 * time.Second
	s.finish()
	return s.h
}

func (s *simulation) upTo(d time.Duration) time.Duration {
	return time.Duration(s.dice.Int64N(int64(d)))
}

func (s *simulation) chance(percent int) bool { return s.dice.IntN(100) < percent }

func (s *simulation) nextStamp() int {
	s.stamp++
	return s.stamp
}

func stampText(n int) string { return fmt.Sprintf("%06d", n) }

// newSession asks for a session of a kind, which clients use from then on.
func (s *simulation) newSession(client, kind string) {
	s.names++
	c := history.Call{Kind: history.Create, Client: client, Workload: kind, Session: fmt.Sprintf("app/%s%04d", kind, s.names)}
	if kind == "idle" {
		c.Idle = 2*time.Second + s.upTo(2*time.Second)
	}
	s.call(c, func(a history.Answer) {
		if a.Outcome == history.OK {
			s.live[kind] = append(s.live[kind], c.Session)
		} else {
			s.newSession(client, kind)
		}
	})
}

// work is one step of a client, which takes the next when it is answered.
func (s *simulation) work(client string) {
	if s.now > simLength {
		return
	}
	c := s.choose(client)
	again := func(history.Answer) { s.after(s.upTo(120*time.Millisecond), func() { s.work(client) }) }
	if c.Kind == "" {
		again(history.Answer{})
		return
	}
	s.call(c, again)
}

// choose is what a client does next; a call without a kind is nothing.
func (s *simulation) choose(client string) history.Call {
	kind := []string{"set", "counter", "register", "lock", "login", "idle"}[s.dice.IntN(6)]
	all := s.live[kind]
	if len(all) == 0 {
		return history.Call{}
	}
	c := history.Call{Client: client, Workload: kind, Session: all[s.dice.IntN(len(all))]}
	s.names++
	name := fmt.Sprint(s.names)
	switch kind {
	case "set":
		if c.Kind = history.Load; s.chance(50) {
			c.Kind, c.Attr, c.Input = history.Add, "e"+name, name
		}
	case "counter":
		if c.Kind, c.Attr = history.Read, "n"; s.chance(60) {
			c.Kind = history.Increment
		}
	case "register":
		if c.Kind, c.Attr = history.Read, fmt.Sprintf("r%d", s.dice.IntN(2)); s.chance(50) {
			c.Kind, c.Input = history.Write, name
		}
	case "lock":
		s.chooseLock(&c)
	case "login":
		switch n := s.dice.IntN(100); {
		case n < 40:
			c.Kind, c.Attr, c.Input = history.Add, "e"+name, name
		case n < 75:
			c.Kind = history.Load
		case n < 90:
			c.Kind = history.Touch
		default:
			c.Kind = history.Destroy
			s.newSession(client, "login")
		}
	case "idle":
		switch n := s.dice.IntN(100); {
		case n < 10:
			c.Kind = history.Touch
		case n < 20:
			c.Kind = history.Load
		case n < 90:
			c.Kind, c.Peek = history.Load, true
		default:
			s.newSession(client, "idle")
		}
	}
	return c
}

// chooseLock is the next step of one who wants, has or had the lock.
func (s *simulation) chooseLock(c *history.Call) {
	token := s.holding[c.Client]
	switch {
	case token == "":
		c.Kind = history.Lock
	case s.chance(60):
		c.Kind, c.Token = history.Use, token
	default:
		c.Kind, c.Token = history.Unlock, token
		delete(s.holding, c.Client)
		s.after(2*time.Second, func() { s.lapse(c.Session, token) }) // should the release get lost
	}
}

// call sends a call, lets it take effect, and goes on when it is answered.
func (s *simulation) call(c history.Call, then func(history.Answer)) {
	id := len(s.h.Operations)
	s.h.Operations = append(s.h.Operations, history.Operation{ID: id + 1, Call: c, Invoked: s.now})
	there, back := s.upTo(15*time.Millisecond), s.upTo(15*time.Millisecond)
	if s.chance(3) {
		there += s.upTo(400 * time.Millisecond)
	}
	answer := func(a history.Answer) {
		o := &s.h.Operations[id]
		o.Answer, o.Returned = a, s.now
		then(a)
	}
	switch n := s.dice.IntN(100); {
	case n < 3:
		s.after(there, func() { answer(history.Answer{Outcome: history.Failed}) })
	case n < 8 && c.Kind != history.Use:
		late := there + s.upTo(3*time.Second)
		if s.chance(30) {
			s.h.Operations[id].NotAfter = s.now + late
		}
		if s.chance(60) {
			s.after(late, func() { s.unheard(&c, s.effect(&c)) })
		}
		s.after(there+back, func() { answer(history.Answer{Outcome: history.Unknown}) })
	default:
		s.after(there, func() {
			a := s.effect(&c)
			s.after(back, func() { answer(a) })
		})
	}
}

// unheard is what follows from an answer that does not arrive: nobody renews a lock that nobody knows of.
func (s *simulation) unheard(c *history.Call, a history.Answer) {
	if a.Granted == "" {
		return
	}
	delete(s.holding, c.Client)
	s.after(time.Second, func() { s.lapse(c.Session, a.Granted) })
}

// lapse ends a lock whose lease has run out.
func (s *simulation) lapse(session, token string) {
	for _, store := range s.sides {
		if r := store[session]; r != nil && r.lock == token {
			r.lock = ""
		}
	}
}

// place is the copy that a client reaches, and its node.
func (s *simulation) place(client string) (copyOf, string) {
	i := s.side[client]
	if len(s.sides) == 1 {
		i = 0
	} else if s.split.Until > 0 && s.now >= s.split.Until && s.chance(50) {
		i = 1 - i // healed, and not merged yet
	}
	return s.sides[i], fmt.Sprintf("n%d", i+1)
}

// effect is what the store does with a call.
func (s *simulation) effect(c *history.Call) history.Answer {
	store, node := s.place(c.Client)
	if c.Kind == history.Use {
		return s.use(c)
	}
	a := history.Answer{Outcome: history.OK}
	if len(s.sides) > 1 && s.now > s.split.From && (s.split.Until == 0 || s.now < s.split.Until) && s.chance(50) {
		a.Node = node
	}
	r := store[c.Session]
	if r != nil && r.idle > 0 && s.now >= r.accessed+r.idle+r.extra {
		r.expired = true
	}
	switch {
	case c.Kind == history.Create && r == nil:
		idle := c.Idle
		r = &record{attrs: make(map[string]value), idle: idle, accessed: s.now}
		if idle > 0 {
			r.extra = s.upTo(idle / 4)
		}
		store[c.Session] = r
	case c.Kind == history.Destroy && (r == nil || r.destroyed == 0):
		store[c.Session] = &record{destroyed: s.nextStamp()}
	case c.Kind == history.Destroy:
	case r == nil || r.expired:
		a.Gone = history.NotFound
	case r.destroyed > 0:
		a.Gone = history.Destroyed
	default:
		s.serve(r, c, &a)
	}
	if a.Gone != history.Here && !(&history.Operation{Call: *c}).Reads() {
		a.Outcome = history.Refused
	}
	if a.Outcome == history.OK && !(&history.Operation{Call: *c}).Reads() {
		a.Copies, a.Stamp = 2, cmp.Or(a.Stamp, stampText(s.nextStamp()))
	}
	return a
}

// serve is what the store does with a session that is there.
func (s *simulation) serve(r *record, c *history.Call, a *history.Answer) {
	if !c.Peek && c.Kind != history.Unlock {
		r.accessed = s.now
	}
	set := func(text string) {
		v := value{text, s.nextStamp()}
		r.attrs[c.Attr], a.Stamp = v, stampText(v.stamp)
	}
	switch c.Kind {
	case history.Add, history.Write:
		set(c.Input)
	case history.Increment:
		n, _ := strconv.Atoi(r.attrs[c.Attr].text)
		set(strconv.Itoa(n + 1))
		a.Output = strconv.Itoa(n + 1)
	case history.Read:
		a.Output = r.attrs[c.Attr].text
	case history.Load:
		a.Seen = make(map[string]string)
		for name, v := range r.attrs {
			a.Seen[name] = v.text
		}
	case history.Lock:
		if r.lock != "" {
			a.Outcome = history.Refused
			return
		}
		r.lock = stampText(s.nextStamp())
		a.Granted = r.lock
		s.holding[c.Client] = r.lock
	case history.Unlock:
		if r.lock != c.Token {
			a.Outcome = history.Refused
			return
		}
		r.lock = ""
	}
}

// use is what the resource outside does.
func (s *simulation) use(c *history.Call) history.Answer {
	if c.Token < s.seen[c.Session] {
		return history.Answer{Outcome: history.Refused}
	}
	s.seen[c.Session] = c.Token
	return history.Answer{Outcome: history.OK}
}

// kill ends a node. The other has everything but the locks.
func (s *simulation) kill() {
	s.h.Faults = append(s.h.Faults, history.Fault{Kind: history.Kill, Whom: []string{"n1"}, From: s.now})
	for _, store := range s.sides {
		for _, r := range store {
			r.lock = ""
		}
	}
}

// cut begins a split, and plans its end.
func (s *simulation) cut() {
	if s.split != nil {
		return
	}
	s.split, s.parted = &history.Split{From: s.now, Sides: [][]string{{"n1"}, {"n2"}}}, s.stamp
	other := make(copyOf)
	for name, r := range s.sides[0] {
		other[name] = r.clone()
		other[name].lock = ""
	}
	s.sides = append(s.sides, other)
	for c := range 8 {
		client, side := fmt.Sprintf("c%d", c), s.dice.IntN(2)
		s.side[client] = side
		s.split.Sides[side] = append(s.split.Sides[side], client)
	}
	length := 2*time.Second + s.upTo(3*time.Second)
	s.after(length, func() { s.split.Until = s.now })
	s.after(length+s.upTo(time.Second), s.merge)
}

// merge ends a split.
func (s *simulation) merge() {
	s.split.Merged = max(s.now, s.split.Until)
	s.h.Splits = append(s.h.Splits, *s.split)
	a, b := s.sides[0], s.sides[1]
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if r := a[name]; r != nil {
			s.mergeRecords(name, r, b[name])
		} else {
			a[name] = b[name]
		}
	}
	s.sides, s.split = s.sides[:1], nil
}

// mergeRecords puts b into a, and lists what is given up.
func (s *simulation) mergeRecords(name string, a, b *record) {
	if (a.destroyed > 0) != (b.destroyed > 0) {
		alive, end := a, b
		if a.destroyed > 0 {
			alive, end = b, a
		}
		for _, attr := range slices.Sorted(maps.Keys(alive.attrs)) {
			if v := alive.attrs[attr]; v.stamp > s.parted {
				s.giveUp(name, attr, v.stamp, end.destroyed)
			}
		}
		*a = record{destroyed: end.destroyed}
		return
	}
	a.expired = a.expired && b.expired
	a.accessed = max(a.accessed, b.accessed)
	for _, attr := range slices.Sorted(maps.Keys(b.attrs)) {
		x, y := a.attrs[attr], b.attrs[attr]
		if lost := min(x.stamp, y.stamp); x.stamp != y.stamp && lost > s.parted {
			s.giveUp(name, attr, lost, max(x.stamp, y.stamp))
		}
		if y.stamp > x.stamp {
			a.attrs[attr] = y
		}
	}
}

func (s *simulation) giveUp(name, attr string, lost, kept int) {
	s.h.Conflicts = append(s.h.Conflicts, history.Conflict{
		Node: "n1", Session: name[:len(name)-1] + "…", Attr: attr, Lost: stampText(lost), Kept: stampText(kept), At: s.now,
	})
}

// finish reads every session from both nodes.
func (s *simulation) finish() {
	for _, name := range slices.Sorted(maps.Keys(s.sides[0])) {
		r := s.sides[0][name]
		for _, node := range []string{"n1", "n2"} {
			f := history.Final{Session: name, Node: node, Invoked: s.now, Returned: s.now + time.Millisecond}
			switch {
			case r.destroyed > 0:
				f.Gone = history.Destroyed
			case r.expired || r.idle > 0 && s.now >= r.accessed+r.idle+r.extra:
				f.Gone = history.NotFound
			default:
				f.Attrs = make(map[string]string)
				for attr, v := range r.attrs {
					f.Attrs[attr] = v.text
				}
			}
			s.h.Finals = append(s.h.Finals, f)
			s.now += 2 * time.Millisecond
		}
	}
	s.h.Run.Length = s.now
}
