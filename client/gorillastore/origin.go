package gorillastore

import (
	"runtime"
	"sync"
	"weak"

	"github.com/gorilla/sessions"
)

// origins remembers where sessions came from for as long as they are in use: a sessions.Session has no room for what is a
// store's own, and the request that it is saved with may be another than the one that it was loaded for.
type origins struct {
	mu sync.Mutex // guards all
	// all holds no session alive; an entry goes when its session is collected.
	all map[weak.Pointer[sessions.Session]]origin
}

// set remembers or replaces a session's origin.
func (o *origins) set(session *sessions.Session, from origin) {
	key := weak.Make(session)
	o.mu.Lock()
	_, known := o.all[key]
	if o.all == nil {
		o.all = make(map[weak.Pointer[sessions.Session]]origin)
	}
	o.all[key] = from
	o.mu.Unlock()
	if !known {
		runtime.AddCleanup(session, o.forget, key)
	}
}

// of is a session's origin, zero for a session that this store neither loaded nor saved.
func (o *origins) of(session *sessions.Session) origin {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[weak.Make(session)]
}

func (o *origins) forget(key weak.Pointer[sessions.Session]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, key)
}
