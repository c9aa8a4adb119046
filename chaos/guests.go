package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// guest is a node that is not of the cluster from the start: it joins, and leaves.
type guest struct {
	*member

	mu    sync.Mutex // guards state
	state presence
}

// presence is how far a guest has come.
type presence int

const (
	away    presence = iota
	passing          // it comes or goes: who sees it and who does not is both right
	present
)

func (g *guest) is(p presence) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == p
}

func (g *guest) become(p presence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state = p
}

// enter reports whether the guest was away, and may come now.
func (g *guest) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state != away {
		return false
	}
	g.state = passing
	return true
}

// guest is the one of that name; names were validated.
func (c *cluster) guest(name string) *guest {
	for _, g := range c.guests {
		if g.Name == name {
			return g
		}
	}
	panic("chaos: BUG: no guest " + name)
}

// company is how many members a node may see: all that are of the cluster for sure, and those that come and go beside them.
func (c *cluster) company() (least, most int) {
	least, most = len(c.members), len(c.members)
	for _, g := range c.guests {
		if !g.is(away) {
			most++
		}
		if g.is(present) {
			least++
		}
	}
	return least, most
}

// heldByGuests is the slots of which those who are not away are primaries, as far as they answer.
func (c *cluster) heldByGuests(ctx context.Context) (slots int) {
	for _, g := range c.guests {
		var s state
		if !g.is(away) && c.ask(ctx, g.member, "status", &s) == nil {
			slots += s.Held.Primary
		}
	}
	return slots
}

// errThere: one node cannot join twice.
var errThere = errors.New("it has not left yet")

// join starts a node that joins the cluster. When the fault ends it leaves in order.
func (s *stage) join(ctx context.Context, g *guest) (wound, error) {
	if !g.enter() {
		return wound{}, errThere
	}
	began := time.Now()
	if err := s.revive(ctx, g.member); err != nil {
		g.Kill() // it may have taken slots over by now
		g.become(away)
		s.lost(g, err.Error())
		return wound{}, err
	}
	g.become(present)
	note := fmt.Sprintf("ready after %.1f s", time.Since(began).Seconds())
	told := ""
	return wound{kind: string(Join), whom: []string{g.Name}, note: note, missed: done,
		tell: func() string { return told },
		end: func(ctx context.Context) (uint64, error) {
			told = s.leave(ctx, g)
			return 0, nil
		}}, nil
}

// leave has a guest leave in order, and says how it went.
func (s *stage) leave(ctx context.Context, g *guest) string {
	g.become(passing)
	defer g.become(away)
	var st state
	held := "it did not answer"
	if err := s.ask(ctx, g.member, "status", &st); err == nil {
		held = fmt.Sprintf("primary of %d slots", st.Held.Primary)
	}
	s.collect(ctx, g.member)
	note, whole := drain(g.member) // which hands its list to another node
	if !whole {
		s.note(s.recorder.Unlisted(fmt.Sprintf("%s did not leave in order at %.3f s", g.Name, s.now().Seconds())))
		s.lost(g, note)
	}
	return held + ", " + note
}

// lost records that a guest has just taken along what it held. Nobody misses it beyond that.
func (s *stage) lost(g *guest, why string) {
	now := s.now()
	s.note(s.recorder.Fault(history.Fault{Kind: history.Kill, Whom: []string{g.Name}, From: now, Until: now,
		InFlight: s.recorder.UnderWay(), Note: why}))
}
