package chaos

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

const (
	finalReaders = 16               // per node
	agreeWithin  = 31 * time.Second // nodes that differ are asked again after that
)

// finalReads asks every node for every session of the run, peeking, through a client that is connected to that node alone:
// it passes on what it is not primary of, so that a node with another view of the cluster answers otherwise. Where nodes
// differ they are asked once more when they may not differ any more.
func (s *stage) finalReads(ctx context.Context) error {
	place, err := s.lab.Add("final")
	if err != nil {
		return err
	}
	names := sessionsOf(s.recorder.History())
	var mu sync.Mutex
	answers := make(map[string][]history.Final)
	ask := func(names []string) error {
		s.pulse.read(len(names) * len(s.members))
		var asking sync.WaitGroup
		errs := make([]error, len(s.members))
		for i, m := range s.members {
			asking.Go(func() {
				c, err := s.dialIn(ctx, place, client.Config{Nodes: []string{m.place.Addr()}, ConnsMax: 1, CacheBytes: -1})
				if err != nil {
					errs[i] = err
					return
				}
				defer c.Close()
				s.readAll(ctx, c, m.Name, names, func(f history.Final) {
					s.note(s.recorder.Final(f))
					mu.Lock()
					defer mu.Unlock()
					answers[f.Session] = append(answers[f.Session], f)
				})
			})
		}
		asking.Wait()
		for i, err := range errs {
			if err != nil { // all its reads are unanswered
				s.say("%7.1fs  %s answers no final read: %v", s.now().Seconds(), s.members[i].Name, err)
				for _, name := range names {
					s.note(s.recorder.Final(history.Final{Session: name, Node: s.members[i].Name, Error: err.Error(),
						Invoked: s.now(), Returned: s.now()}))
				}
			}
		}
		return ctx.Err()
	}
	began := s.now()
	if err := ask(names); err != nil {
		return err
	}
	differ := differing(names, answers)
	if len(differ) == 0 {
		return nil
	}
	s.say("%7.1fs  nodes differ about %d sessions; asking again in %v", s.now().Seconds(), len(differ), agreeWithin)
	wait(ctx, agreeWithin-(s.now()-began))
	return ask(differ)
}

// readAll asks one node for sessions, several at a time.
func (s *stage) readAll(ctx context.Context, c *client.Client, node string, names []string, take func(history.Final)) {
	todo := make(chan string)
	var readers sync.WaitGroup
	for range finalReaders {
		readers.Go(func() {
			for name := range todo {
				take(s.finalRead(ctx, c, node, name))
			}
		})
	}
	for _, name := range names {
		todo <- name
	}
	close(todo)
	readers.Wait()
}

func (s *stage) finalRead(ctx context.Context, c *client.Client, node, name string) history.Final {
	f := history.Final{Session: name, Node: node, Invoked: s.now()}
	res, err := replied(c.Load(ctx, &replica.Load{Key: keyOf(idOf(name)), Peek: true}))
	f.Returned = s.now()
	s.tally.read.Add(1)
	switch answer := readOf(err); {
	case answer.Outcome != history.OK:
		f.Error = err.Error()
	case res.Session != nil:
		f.Attrs = attrsOf(res.Session)
	default:
		f.Gone = answer.Gone
	}
	return f
}

// idOf is the id in a session's name.
func idOf(name string) string { return name[len(app)+1:] }

// sessionsOf is the sessions that operations name, in the order of the first of each.
func sessionsOf(h *history.History) []string {
	seen := make(map[string]bool)
	var names []string
	for i := range h.Operations {
		if name := h.Operations[i].Session; name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// differing is those of the sessions about which not all answers are the same.
func differing(names []string, answers map[string][]history.Final) []string {
	var found []string
	for _, name := range names {
		for _, f := range answers[name] {
			first := answers[name][0]
			if f.Gone != first.Gone || f.Error != first.Error || !maps.Equal(f.Attrs, first.Attrs) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}
