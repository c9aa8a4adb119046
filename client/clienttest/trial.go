package clienttest

import (
	"crypto/rand"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// Applications that the suite uses.
const (
	suiteApp  = "suite"
	suiteApp2 = "suite-2"
)

// trial is one test of the suite, and the store that it tries.
type trial struct {
	*testing.T
	suite Suite
	store client.Store
}

// key names a session that nobody has.
func (tr *trial) key() replica.Key {
	tr.Helper()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		tr.Fatal(err)
	}
	return replica.Key{App: suiteApp, ID: id}
}

// sibling is another id in the slot of key.
func (tr *trial) sibling(key replica.Key) replica.Key {
	tr.Helper()
	id, err := replica.NewTaggedID(rand.Reader, replica.Tag(key.ID))
	if err != nil {
		tr.Fatal(err)
	}
	return replica.Key{App: key.App, ID: id}
}

// request is an id that no request has.
func (tr *trial) request() replica.RequestID {
	tr.Helper()
	id, err := replica.NewRequestID(rand.Reader)
	if err != nil {
		tr.Fatal(err)
	}
	return id
}

// load reads a session; the two ways to say no are one.
func (tr *trial) load(l replica.Load) (replica.Result, error) {
	res, err := tr.store.Load(tr.Context(), &l)
	if err == nil {
		err = res.Err()
	}
	return res, err
}

// commit is load's counterpart.
func (tr *trial) commit(c replica.Commit) (replica.Result, error) {
	res, err := tr.store.Commit(tr.Context(), &c)
	if err == nil {
		err = res.Err()
	}
	return res, err
}

// do makes a commit that must succeed.
func (tr *trial) do(c replica.Commit) replica.Result {
	tr.Helper()
	res, err := tr.commit(c)
	if err != nil {
		tr.Fatalf("commit %+v: %v", c, err)
	}
	return res
}

// create makes a session with attributes given as name, value, name, value.
func (tr *trial) create(attrs ...string) (replica.Key, replica.Result) {
	tr.Helper()
	key := tr.key()
	return key, tr.do(replica.Commit{Key: key, Create: true, Changes: set(attrs...)})
}

// set is changes given as name, value, name, value.
func set(attrs ...string) []replica.Change {
	var changes []replica.Change
	for i := 0; i < len(attrs); i += 2 {
		changes = append(changes, replica.Change{Name: attrs[i], Value: []byte(attrs[i+1])})
	}
	return changes
}

// refused makes a commit that must end in an error.
func (tr *trial) refused(c replica.Commit, want error) {
	tr.Helper()
	if _, err := tr.commit(c); !errors.Is(err, want) {
		tr.Errorf("commit = %v, want %v", err, want)
	}
}

// gone makes a load that must end in an error.
func (tr *trial) gone(key replica.Key, want error) {
	tr.Helper()
	if _, err := tr.load(replica.Load{Key: key}); !errors.Is(err, want) {
		tr.Errorf("load = %v, want %v", err, want)
	}
}

// holds loads a session that must have exactly these attributes, given as name, value, name, value.
func (tr *trial) holds(key replica.Key, attrs ...string) replica.Result {
	tr.Helper()
	res, err := tr.load(replica.Load{Key: key})
	if err != nil || res.Session == nil {
		tr.Fatalf("load = %+v, %v", res, err)
	}
	want := map[string]string{}
	for _, ch := range set(attrs...) {
		want[ch.Name] = string(ch.Value)
	}
	if got := contents(res.Session); !maps.Equal(got, want) {
		tr.Errorf("session holds %q, want %q", got, want)
	}
	return res
}

// contents is a session's attributes.
func contents(s *replica.Session) map[string]string {
	m := map[string]string{}
	for _, a := range s.Attrs {
		if v, ok := s.Get(a.Name); ok {
			m[a.Name] = string(v)
		}
	}
	return m
}

// patience bounds what is tried again and again, so that a store that fails does not hold up the tests.
const patience = 5 * time.Second

var errPatience = errors.New("it did not come about in five seconds")

// again asks until it is done or fails, with pauses, in which virtual time passes.
func again(ask func() (done bool, err error)) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Microsecond) {
		if done, err := ask(); done || err != nil {
			return err
		}
	}
	return errPatience
}

// untilDestroyed asks until a session is found to be destroyed; every other error is one.
func untilDestroyed(ask func() (replica.Result, error)) error {
	return again(func() (bool, error) {
		if _, err := ask(); !errors.Is(err, replica.ErrDestroyed) {
			return false, err
		}
		return true, nil
	})
}
