package gorillastore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/sessions"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/internal/adapter"
	"github.com/sessnode/sessnode/replica"
)

// Config configures a [Store]. Everything but Store may be left zero.
type Config struct {
	Store      client.Store
	App        string             // application that the sessions belong to; default the store's, else client.AppDefault
	Durability replica.Durability // copies that a Save waits for; default all
	// Options of new sessions; default: path /, 24 hours, Secure, HttpOnly, SameSite Lax.
	Options *sessions.Options
}

// maxAgeDefault is how long a session lives, in seconds: what clusters allow by default.
const maxAgeDefault = 24 * 60 * 60

// nameAttr is the attribute with the session's name; no value's starts so.
const nameAttr = "name"

// Build makes a store, or says which field cannot work.
func (c Config) Build() (*Store, error) {
	target, err := adapter.Target{Store: c.Store, App: c.App, Durability: c.Durability}.Checked()
	if err != nil {
		return nil, fmt.Errorf("gorillastore: %w", err)
	}
	s := &Store{Options: c.Options, target: target}
	if s.Options == nil {
		s.Options = &sessions.Options{
			Path: "/", MaxAge: maxAgeDefault, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		}
	}
	return s, nil
}

// New makes a store with the defaults of [Config]. It panics for a nil store.
func New(store client.Store) *Store {
	s, err := Config{Store: store}.Build()
	if err != nil {
		panic(err.Error())
	}
	return s
}

// Store is a sessions.Store. It is safe for concurrent use; a session is its request's own.
type Store struct {
	Options *sessions.Options // of new sessions; to be changed before the first request

	target adapter.Target
	origin origins
}

var _ sessions.Store = (*Store)(nil)

// Get is the request's session with a name: the same one for every call. Errors as for [Store.New].
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New loads the session that the request's cookie names, or makes a new one. It never returns a nil session. With an
// error that is the store's, Save will still change the session that the cookie names, by what was set and without
// deleting anything. With one of decoding, what can be decoded is there, and Save leaves the rest as it is.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := *s.Options
	session.Options, session.IsNew = &options, true
	cookie, err := r.Cookie(name)
	if err != nil || !replica.WellFormedID(cookie.Value) {
		return session, nil
	}
	stored, err := s.target.Load(r.Context(), cookie.Value)
	if err != nil {
		session.ID = cookie.Value
		s.origin.set(session, origin{id: cookie.Value})
		return session, fmt.Errorf("gorillastore: load session %q: %w", name, err)
	}
	if stored == nil || !isNamed(stored, name) {
		return session, nil
	}
	session.ID, session.IsNew = cookie.Value, false
	attrs, err := decodeAll(stored, session.Values)
	s.origin.set(session, origin{cookie.Value, attrs})
	if err != nil {
		return session, fmt.Errorf("gorillastore: load session %q: %w", name, err)
	}
	return session, nil
}

// isNamed reports whether a session was begun under a name, so that a visitor cannot pass off one as another.
func isNamed(stored *replica.Session, name string) bool {
	v, ok := stored.Get(nameAttr)
	return ok && string(v) == name
}

// Save writes what the request changed and sets the cookie, or destroys the session and removes the cookie when MaxAge
// is below zero. A visitor who hangs up does not stop it. Errors: a value cannot be encoded; replica.ErrDestroyed and
// replica.ErrNotFound when the session ended meanwhile; replica.ErrTooLarge beyond the cluster's limits on names, values
// and lifetime; replica.ErrBadRequest for an ID that the handler chose; otherwise the store's. Then no cookie is set.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	ctx := context.WithoutCancel(r.Context())
	var err error
	value := ""
	if session.Options.MaxAge < 0 {
		err = s.end(ctx, session)
	} else {
		err = s.write(ctx, session)
		value = session.ID
	}
	if err != nil {
		return fmt.Errorf("gorillastore: save session %q: %w", session.Name(), err)
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), value, session.Options))
	return nil
}

// end destroys what was loaded, also where the handler has cleared the id.
func (s *Store) end(ctx context.Context, session *sessions.Session) error {
	id := cmp.Or(s.origin.of(session).id, session.ID)
	if id == "" {
		return nil // it was never saved
	}
	return s.target.Destroy(ctx, id)
}

// write creates, changes or renews the session.
func (s *Store) write(ctx context.Context, session *sessions.Session) error {
	from := s.origin.of(session)
	changes, attrs, err := from.diff(session.Values)
	if err != nil {
		return err
	}
	c := replica.Commit{
		Key: replica.Key{ID: from.id}, Changes: changes,
		Configure: true, Lifetime: time.Duration(session.Options.MaxAge) * time.Second,
	}
	id, err := nextID(session.ID, from.id)
	switch {
	case err != nil:
		return err
	case from.id == "":
		c.Key.ID, c.Create = id, true
		c.Changes = append(c.Changes, replica.Change{Name: nameAttr, Value: []byte(session.Name())})
	case id != from.id:
		c.Renew = id
	}
	if err := s.target.Commit(ctx, c); err != nil {
		return err
	}
	session.ID = id
	s.origin.set(session, origin{id, attrs})
	return nil
}

var errChosenID = fmt.Errorf("%w: the ID of a session cannot be chosen; clear it for a new one", replica.ErrBadRequest)

// nextID is the id that a session which came with the id old, if any, is saved under. Clearing it asks for a new one.
func nextID(id, old string) (string, error) {
	switch {
	case id != "" && id == old:
		return id, nil
	case id != "":
		return "", errChosenID
	case old != "":
		return replica.NewTaggedID(rand.Reader, replica.Tag(old))
	}
	return replica.NewID(rand.Reader)
}

// origin is what a session was when it was loaded or last saved.
type origin struct {
	id    string            // "" for a session that is not stored
	attrs map[string][]byte // encoded values by attribute; those that cannot be decoded are left out
}

// diff lists what turns the origin into values, and encodes them.
func (from origin) diff(values map[any]any) ([]replica.Change, map[string][]byte, error) {
	var changes []replica.Change
	var errs []error
	attrs := make(map[string][]byte, len(values))
	for key, value := range values {
		name := attrName(key)
		data, err := encode(key, value)
		if err != nil {
			errs = append(errs, fmt.Errorf("encode the value of %v: %w", key, err))
			continue
		}
		old, ok := from.attrs[name]
		if ok && same(old, data, value) {
			attrs[name] = old
			continue
		}
		attrs[name] = data
		changes = append(changes, replica.Change{Name: name, Value: data})
	}
	for name := range from.attrs {
		if _, ok := attrs[name]; !ok {
			changes = append(changes, replica.Change{Name: name, Delete: true})
		}
	}
	return changes, attrs, errors.Join(errs...)
}
