package chaos

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// store is what an actor works on.
type store interface {
	client.Store
	client.Locker
	client.Lister
}

var _ store = (*client.Client)(nil)

// actor is one client, of which every call is recorded.
type actor struct {
	name     string
	store    store
	recorder *history.Recorder
	asked    *slotCounts
	tally    *tally
	now      func() time.Duration // since the run began
}

// countsFor is how long after it was asked a request may take effect: the client's time-out, and how far clocks may be off.
const countsFor = 5*time.Second + 500*time.Millisecond

// slotCounts counts calls by the slots of their sessions.
type slotCounts struct {
	slots int

	mu     sync.Mutex // guards the rest
	counts map[uint32]int
	ids    map[uint32]string // a session in each
}

func newSlotCounts(slots int) *slotCounts {
	return &slotCounts{slots: slots, counts: make(map[uint32]int), ids: make(map[uint32]string)}
}

func (c *slotCounts) count(id string) {
	slot := replica.SlotOf(id, c.slots)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[slot]++
	c.ids[slot] = id
}

// busiest is a session in each slot that was asked, those that were asked most first, and begins to count anew.
func (c *slotCounts) busiest() (ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slots := slices.SortedFunc(maps.Keys(c.counts), func(a, b uint32) int {
		return cmp.Or(cmp.Compare(c.counts[b], c.counts[a]), cmp.Compare(a, b))
	})
	for _, slot := range slots {
		ids = append(ids, c.ids[slot])
	}
	clear(c.counts)
	clear(c.ids)
	return ids
}

func keyOf(id string) replica.Key { return replica.Key{App: app, ID: id} }

// nameOf is a session as the history calls it.
func nameOf(id string) string { return app + "/" + id }

// newID is an id for a new session.
func newID() (string, error) { return replica.NewID(rand.Reader) }

// do records a call, makes it, and records its answer. When the history is full nothing is sent.
func (a *actor) do(c history.Call, id string, call func() history.Answer) history.Answer {
	c.Client = a.name
	if id != "" {
		c.Session = nameOf(id)
		a.asked.count(id)
	}
	if c.Workload == expiryName && !c.Peek {
		c.NotAfter = a.now() + countsFor
	}
	n, err := a.recorder.Begin(c)
	if err != nil {
		return history.Answer{Outcome: history.Failed, Error: err.Error()}
	}
	a.tally.asked.Add(1)
	answer := call()
	if answer.Outcome == history.OK || answer.Outcome == history.Refused {
		a.tally.answered.Add(1)
	}
	a.recorder.End(n, answer)
	return answer
}

// commit makes one recorded commit of a kind.
func (a *actor) commit(c history.Call, id string, commit replica.Commit) history.Answer {
	commit.Key = keyOf(id)
	return a.do(c, id, func() history.Answer {
		answer, _ := a.send(&commit)
		return answer
	})
}

// send makes a commit. The error is what the client said, whatever may be made of it.
func (a *actor) send(commit *replica.Commit) (history.Answer, error) {
	res, err := replied(a.store.Commit(context.Background(), commit))
	return committed(res, err), err
}

// replied folds the two ways in which a store says no into one error.
func replied(res replica.Result, err error) (replica.Result, error) {
	if err != nil {
		return res, err
	}
	return res, res.Err()
}

func (a *actor) create(workload, id string, idle time.Duration) history.Answer {
	return a.commit(history.Call{Workload: workload, Kind: history.Create, Idle: idle}, id,
		replica.Commit{Create: true, Idle: idle})
}

func (a *actor) destroy(workload, id string) history.Answer {
	return a.commit(history.Call{Workload: workload, Kind: history.Destroy}, id, replica.Commit{Destroy: true})
}

func (a *actor) touch(workload, id string) history.Answer {
	return a.commit(history.Call{Workload: workload, Kind: history.Touch}, id, replica.Commit{})
}

func (a *actor) add(workload, id, element string) history.Answer {
	return a.commit(history.Call{Workload: workload, Kind: history.Add, Attr: element}, id,
		replica.Commit{Changes: []replica.Change{{Name: element, Value: encode("", 0)}}})
}

// write sets an attribute to a value that is stored in size bytes, under a lock unless its token is zero.
func (a *actor) write(workload, id, attr, value string, size int, lock replica.Stamp) history.Answer {
	call := history.Call{Workload: workload, Kind: history.Write, Attr: attr, Input: value}
	if !lock.IsZero() {
		call.Token = tokenOf(lock)
	}
	return a.commit(call, id, replica.Commit{Lock: lock, Changes: []replica.Change{{Name: attr, Value: encode(value, size)}}})
}

// load loads a whole session.
func (a *actor) load(workload, id string, peek bool) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.Load, Peek: peek}, id, func() history.Answer {
		s, err := a.get(id, peek)
		answer := readOf(err)
		if err == nil {
			answer.Seen = attrsOf(s)
		}
		return answer
	})
}

// read reads one attribute.
func (a *actor) read(workload, id, attr string) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.Read, Attr: attr}, id, func() history.Answer {
		s, err := a.get(id, false)
		answer := readOf(err)
		if err == nil {
			answer.Output = attrOf(s, attr)
		}
		return answer
	})
}

func (a *actor) get(id string, peek bool) (*replica.Session, error) {
	res, err := replied(a.store.Load(context.Background(), &replica.Load{Key: keyOf(id), Peek: peek}))
	switch {
	case err != nil:
		return nil, err
	case res.Session == nil:
		return nil, errors.New("the answer holds no session")
	}
	return res.Session, nil
}

// attrsOf is what a session holds.
func attrsOf(s *replica.Session) map[string]string {
	all := make(map[string]string, len(s.Attrs))
	for _, attr := range s.Attrs {
		if !attr.Deleted {
			all[attr.Name] = decode(attr.Value)
		}
	}
	return all
}

func attrOf(s *replica.Session, name string) string {
	if stored, ok := s.Get(name); ok {
		return decode(stored)
	}
	return ""
}

// increment raises a counter by one as client.Session.Update does: it loads, commits if nobody has changed the session
// since, and begins again if somebody has. A commit whose outcome is unknown ends it.
func (a *actor) increment(ctx context.Context, workload, id, attr string) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.Increment, Attr: attr}, id, func() history.Answer {
		for {
			answer, changed := a.incrementOnce(id, attr)
			if !changed || ctx.Err() != nil {
				return answer
			}
		}
	})
}

func (a *actor) incrementOnce(id, attr string) (answer history.Answer, changed bool) {
	s, err := a.get(id, false)
	if err != nil {
		if answer = answerOf(err); answer.Outcome == history.Unknown {
			answer.Outcome = history.Failed // nothing but a load was sent
		}
		return answer, false
	}
	n := 0
	if text := attrOf(s, attr); text != "" {
		if n, err = strconv.Atoi(text); err != nil {
			return history.Answer{Outcome: history.Failed, Error: fmt.Sprintf("the counter is %q", text)}, false
		}
	}
	next := strconv.Itoa(n + 1)
	answer, err = a.send(&replica.Commit{Key: keyOf(id), If: s.Stamp, Changes: []replica.Change{{Name: attr, Value: encode(next, 0)}}})
	if answer.Outcome == history.OK {
		answer.Output = next
	}
	return answer, answer.Outcome == history.Refused && errors.Is(err, replica.ErrChanged)
}

// list lists all sessions.
func (a *actor) list(workload string) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.List}, "", func() history.Answer {
		ids, err := client.Sessions(context.Background(), a.store, app, "")
		answer := readOf(err)
		for _, id := range ids {
			answer.Listed = append(answer.Listed, nameOf(id))
		}
		return answer
	})
}

// tokenOf is a fencing token as the history and the resource outside compare it: the number of [client.Lock.Fence].
func tokenOf(lock replica.Stamp) string { return fmt.Sprintf("%020d", lock.Clock) }

// acquire locks a session; the lock is nil unless it was granted.
func (a *actor) acquire(ctx context.Context, workload, id string, wait time.Duration) (*client.Lock, history.Answer) {
	var lock *client.Lock
	answer := a.do(history.Call{Workload: workload, Kind: history.Lock}, id, func() history.Answer {
		var err error
		lock, err = client.Acquire(ctx, a.store, keyOf(id), client.LockOptions{Wait: wait, Holder: a.name})
		answer := answerOf(err)
		if err == nil {
			answer.Granted = tokenOf(lock.Token())
		}
		return answer
	})
	return lock, answer
}

func (a *actor) release(workload, id string, lock *client.Lock) history.Answer {
	return a.do(history.Call{Workload: workload, Kind: history.Unlock, Token: tokenOf(lock.Token())}, id, func() history.Answer {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return answerOf(lock.Release(ctx))
	})
}
