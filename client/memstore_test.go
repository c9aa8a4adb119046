package client

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// memStore is a Store in memory that notes what it was asked.
type memStore struct {
	mu       sync.Mutex // guards the fields below
	sessions map[replica.Key]*replica.Session
	dead     map[replica.Key]bool
	clock    replica.Clock
	loads    []replica.Load
	commits  []replica.Commit

	// fail, when set, decides before the store does; it is set before the store is used.
	fail func(l *replica.Load, c *replica.Commit) error
}

var _ Store = (*memStore)(nil)

func newMemStore() *memStore {
	return &memStore{
		sessions: make(map[replica.Key]*replica.Session),
		dead:     make(map[replica.Key]bool),
		clock:    replica.Clock{Boot: 1},
	}
}

func (m *memStore) Load(_ context.Context, l *replica.Load) (replica.Result, error) {
	if err := m.note(l, nil); err != nil {
		return replica.Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[l.Key]
	if s == nil {
		return replica.Result{Status: replica.StatusNotFound}, nil
	}
	return replica.Result{Session: s, Stamp: s.Stamp}, nil
}

func (m *memStore) Commit(_ context.Context, c *replica.Commit) (replica.Result, error) {
	if err := m.note(nil, c); err != nil {
		return replica.Result{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.sessions[c.Key]
	switch {
	case c.Destroy:
		delete(m.sessions, c.Key)
		m.dead[c.Key] = true
		return replica.Result{Copies: 1}, nil
	case m.dead[c.Key]:
		return replica.Result{Status: replica.StatusDestroyed}, nil
	case c.Create && s != nil:
		return replica.Result{Status: replica.StatusExists}, nil
	case !c.Create && s == nil:
		return replica.Result{Status: replica.StatusNotFound}, nil
	}
	set := changes{list: c.Changes}
	stamp := m.clock.Next(0)
	m.sessions[c.Key] = set.committed(s, c.Key, stamp)
	return replica.Result{Stamp: stamp, Copies: 1}, nil
}

// note remembers a request and lets fail decide.
func (m *memStore) note(l *replica.Load, c *replica.Commit) error {
	m.mu.Lock()
	if l != nil {
		m.loads = append(m.loads, *l)
	} else {
		m.commits = append(m.commits, *c)
	}
	m.mu.Unlock()
	if m.fail == nil {
		return nil
	}
	return m.fail(l, c)
}

// put stores a session with the given attributes (name, JSON, name, JSON, …) and returns its id.
func (m *memStore) put(t testing.TB, attrs ...string) string {
	t.Helper()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &replica.Commit{Key: replica.Key{App: AppDefault, ID: id}, Create: true}
	for i := 0; i < len(attrs); i += 2 {
		c.Changes = append(c.Changes, replica.Change{Name: attrs[i], Value: []byte(attrs[i+1])})
	}
	slices.SortFunc(c.Changes, func(a, b replica.Change) int { return strings.Compare(a.Name, b.Name) })
	if _, err := answer(m.Commit(t.Context(), c)); err != nil {
		t.Fatal(err)
	}
	m.commits = nil
	return id
}

// attr is what is stored under a name, "" for nothing.
func (m *memStore) attr(id, name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sessions[replica.Key{App: AppDefault, ID: id}]; s != nil {
		v, _ := s.Get(name)
		return string(v)
	}
	return ""
}

// seen is how many loads and commits there were.
func (m *memStore) seen() (loads, commits int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.loads), len(m.commits)
}
