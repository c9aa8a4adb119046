package failover_test

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// pending is a request on its way.
type pending struct {
	slot    uint32
	request *replica.Request
	arrived time.Duration // at the node that answers
	done    func(replica.Result)
}

// request sends a client's request to a node; done may never be called.
func (w *world) request(name string, m *replica.Request, done func(replica.Result)) {
	n := w.nodes[name]
	w.token++
	t := w.token
	p := &pending{slot: m.SlotOf(w.cfg.slots), request: m, done: done}
	w.requests[t] = p
	deliver := func() {
		if !n.up {
			delete(w.requests, t)
			return
		}
		p.arrived = w.now
		w.steps++
		w.checkTried(m)
		w.step(n, func(now replica.Instant, fx *replica.Effects) {
			n.core.Request(now, p.slot, t, m, fx)
			if w.took > 0 {
				n.core.Observe(w.took)
			}
		})
		if m.Commit != nil {
			w.checkDead(n, p.slot, m.Commit.Key)
		}
	}
	late := time.Duration(0)
	if w.cfg.jumpy && w.rng.IntN(20) == 0 {
		late = w.upTo(3 * time.Second) // the client has long tried again elsewhere
	}
	w.after(w.delay()+late, func() {
		if n.paused {
			n.clients = append(n.clients, deliver)
			return
		}
		deliver()
	})
}

// reply hands an answer to the client.
func (w *world) reply(d replica.Done) {
	if p := w.requests[d.Token]; p != nil {
		delete(w.requests, d.Token)
		w.after(w.delay(), func() { p.done(d.Result) })
	}
}

// primaryOf asks a random live node who it believes primary of an id's slot.
func (w *world) primaryOf(id string) string {
	slot := replica.SlotOf(id, w.cfg.slots)
	up := w.up()
	if len(up) == 0 {
		return w.names[0] // it does not answer
	}
	name := up[w.rng.IntN(len(up))]
	if n := w.boots[w.nodes[name].core.Claim(slot).Primary]; n != nil {
		return n.name
	}
	return name
}

// client repeats one request at a time under its id until it is answered for good.
type client struct {
	w       *world
	number  uint64
	seq     uint64
	busy    int // generation of the request under way
	stopped bool
	patient bool // a session that is not there may still come: a side of a split does not have it
}

// ask sends a request until it is answered for good; every attempt stays on its way.
func (c *client) ask(id string, m *replica.Request, done func(replica.Result)) {
	c.busy++
	gen := c.busy
	again := func(d time.Duration) {
		c.w.after(d, func() {
			if gen == c.busy {
				c.ask(id, m, done)
			}
		})
	}
	answered := func(r replica.Result) {
		switch {
		case gen != c.busy:
		case r.Status.Retryable() || c.patient && r.Status == replica.StatusNotFound && !c.w.check.lost[replica.SlotOf(id, c.w.cfg.slots)]:
			again(5 * time.Millisecond)
		default:
			c.busy++
			done(r)
		}
	}
	c.w.request(c.w.primaryOf(id), m, answered)
	if c.w.rng.IntN(16) == 0 {
		c.w.request(c.w.primaryOf(id), m, answered) // twice at once, maybe to another node
	}
	again(50 * time.Millisecond)
}

func (c *client) commit(id string, create bool, changes ...replica.Change) *replica.Commit {
	c.seq++
	return &replica.Commit{
		Key: replica.Key{App: "a", ID: id}, Create: create, Changes: changes,
		Request:  replica.RequestID{Client: c.number, Seq: c.seq},
		NotAfter: c.w.wall() + 30_000,
	}
}

func read(id string) *replica.Request {
	return &replica.Request{Load: &replica.Load{Key: replica.Key{App: "a", ID: id}}}
}

// counter is a client that counts in a session of its own and checks every read.
type counter struct {
	client
	id    string
	acked int
	slow  time.Duration // longest wait for an acknowledgement
}

func (w *world) counter(i int) *counter {
	return &counter{client: client{w: w, number: uint64(i + 1)}, id: fmt.Sprintf("session-%d", i)}
}

// next counts one up.
func (c *counter) next() {
	if c.stopped {
		return
	}
	since := c.w.now
	m := c.commit(c.id, c.acked == 0, replica.Change{Name: "n", Value: []byte(fmt.Sprint(c.acked + 1))})
	m.Durability = replica.Durability(c.number % 2)
	c.ask(c.id, &replica.Request{Commit: m}, func(r replica.Result) {
		if r.Status != replica.StatusOK {
			c.w.fail("%s increment %d: %v", c.id, c.acked+1, r.Err())
		}
		c.acked++
		c.slow = max(c.slow, c.w.now-since)
		c.verify()
	})
}

// verify reads the count back.
func (c *counter) verify() {
	c.ask(c.id, read(c.id), func(r replica.Result) {
		if r.Status != replica.StatusOK {
			c.w.fail("read of %s after %d increments: %v", c.id, c.acked, r.Err())
		}
		if got, _ := r.Session.Get("n"); string(got) != fmt.Sprint(c.acked) {
			c.w.fail("%s reads %s after %d were acknowledged", c.id, got, c.acked)
		}
		c.w.after(c.w.upTo(c.w.cfg.busy), c.next)
	})
}

// observe reads a counter now and then beside its owner.
func (c *counter) observe() {
	o := &client{w: c.w}
	var look func()
	look = func() {
		if c.stopped {
			return
		}
		least := c.acked
		o.ask(c.id, read(c.id), func(r replica.Result) {
			n := 0
			if r.Status == replica.StatusOK {
				v, _ := r.Session.Get("n")
				fmt.Sscan(string(v), &n)
			}
			if n < least || n > c.acked+1 {
				c.w.fail("an observer reads %d (%v) of %s after %d were acknowledged, %d by now", n, r.Err(), c.id, least, c.acked)
			}
			c.w.after(c.w.upTo(2*c.w.cfg.busy), look)
		})
	}
	look()
}

// collector is a client that adds one attribute after the other to a session that others share. Whatever split there
// was, all that was acknowledged must be there in the end.
type collector struct {
	client
	id    string
	acked map[string]bool
}

func (w *world) collector(i int) *collector {
	return &collector{
		client: client{w: w, number: uint64(1000 + i), patient: true}, id: fmt.Sprintf("shared-%d", i/3), acked: map[string]bool{},
	}
}

// attrsEach bounds what one collector adds, so that the session stays within its limits.
const attrsEach = 80

func (c *collector) next() {
	if c.stopped || len(c.acked) == attrsEach {
		return
	}
	name := fmt.Sprintf("%d-%d", c.number, len(c.acked))
	m := c.commit(c.id, false, replica.Change{Name: name, Value: []byte("x")})
	m.Durability = replica.Durability(c.number % 3)
	if m.Durability == replica.DurableNone {
		m.Durability = replica.DurableAll
	}
	c.ask(c.id, &replica.Request{Commit: m}, func(r replica.Result) {
		switch r.Status {
		case replica.StatusOK:
			c.acked[name] = true
		case replica.StatusTooLate:
		case replica.StatusNotFound: // the slot was lost
			clear(c.acked)
			c.w.after(c.w.upTo(300*time.Millisecond), c.begin)
			return
		default:
			c.w.fail("%s: %s: %v", c.id, name, r.Err())
		}
		c.w.after(c.w.upTo(150*time.Millisecond), c.next)
	})
}

// begin creates the shared session, then collects. Only one of those who share does.
func (c *collector) begin() {
	m := c.commit(c.id, true)
	c.ask(c.id, &replica.Request{Commit: m}, func(r replica.Result) {
		if r.Status != replica.StatusOK && r.Status != replica.StatusExists {
			c.w.fail("create %s: %v", c.id, r.Err())
		}
		c.next()
	})
}

// verify fails unless all that was acknowledged is there.
func (c *collector) verify() {
	slot := replica.SlotOf(c.id, c.w.cfg.slots)
	if c.w.check.lost[slot] {
		return
	}
	primary := c.w.boots[c.w.nodes[c.w.up()[0]].core.Claim(slot).Primary]
	s := primary.core.Newest(slot, replica.Key{App: "a", ID: c.id})
	if s == nil {
		c.w.fail("%s is gone", c.id)
	}
	for name := range c.acked {
		if _, ok := s.Get(name); !ok {
			c.w.fail("%s lacks the acknowledged %s", c.id, name)
		}
	}
}

// visitor logs in, works, logs out, and lets late requests of the session run on.
type visitor struct {
	client
	id        string
	run       int
	destroyed []string
}

func (w *world) visitor(i int) *visitor {
	return &visitor{client: client{w: w, number: uint64(2000 + i)}, id: fmt.Sprintf("visitor-%d", i)}
}

func (v *visitor) next() {
	if v.stopped {
		return
	}
	v.run++
	id := fmt.Sprintf("%s-%d", v.id, v.run)
	v.ask(id, &replica.Request{Commit: v.commit(id, true, replica.Change{Name: "u", Value: []byte("v")})}, func(r replica.Result) {
		if r.Status != replica.StatusOK && (v.intact(id) || r.Status != replica.StatusExists) {
			v.w.fail("login %s: %v", id, r.Err())
		}
		for range 3 {
			late := &client{w: v.w, number: v.w.rng.Uint64()}
			v.w.after(v.w.upTo(300*time.Millisecond), func() {
				m := late.commit(id, late.w.rng.IntN(3) == 0, replica.Change{Name: "late", Value: []byte("x")})
				late.ask(id, &replica.Request{Commit: m}, func(replica.Result) {})
			})
		}
		v.w.after(v.w.upTo(300*time.Millisecond), func() { v.logout(id) })
	})
}

func (v *visitor) logout(id string) {
	m := v.commit(id, false)
	m.Destroy = true
	v.ask(id, &replica.Request{Commit: m}, func(r replica.Result) {
		if r.Status != replica.StatusOK {
			v.w.fail("logout %s: %v", id, r.Err())
		}
		v.destroyed = append(v.destroyed, id)
		v.ask(id, read(id), func(r replica.Result) {
			if r.Status != replica.StatusDestroyed && v.intact(id) {
				v.w.fail("read of %s after its logout: %v", id, r.Err())
			}
			v.w.after(v.w.upTo(200*time.Millisecond), v.next)
		})
	})
}

func (v *visitor) intact(id string) bool { return v.w.check.intact(replica.SlotOf(id, v.w.cfg.slots)) }

// verify fails if a session that was logged out lives anywhere.
func (v *visitor) verify() {
	for _, id := range v.destroyed {
		slot := replica.SlotOf(id, v.w.cfg.slots)
		if v.w.check.lost[slot] {
			continue
		}
		for _, name := range v.w.up() {
			if s := v.w.nodes[name].core.Newest(slot, replica.Key{App: "a", ID: id}); s != nil && s.Ending == replica.Alive {
				v.w.fail("%s lives on %s after its logout", id, name)
			}
		}
	}
}
