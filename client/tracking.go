package client

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/sessnode/sessnode/replica"
)

// Tracking says how changes to attributes are noticed.
type Tracking uint8

// The choices for Tracking.
const (
	// TrackSet: what is Set is written. It costs nothing.
	TrackSet Tracking = iota
	// TrackGet: besides, a map, slice or pointer that Get handed out is compared at each commit with what is stored, and
	// written if the handler changed it. A further Get of the same type hands out the same value. It costs, for every such
	// value and commit, one decoding and a comparison, and an encoding if they differ; strings, numbers and structs of
	// them cost nothing. What the handler does to its own variable, append included, is not seen: get a pointer for that.
	// Nobody may change such a value while a commit is under way.
	TrackGet
	// TrackAlways: as TrackGet, and every attribute that was got is written by the request's first commit, changed or not.
	// Then the last request to end wins all that it read, parallel requests overwrite each other, and every request that
	// reads costs a commit. For handlers that come from a store which worked like that.
	TrackAlways
)

// handed is a value that Get gave to the handler. Whoever commits reads and changes it.
type handed struct {
	value any    // the handler may change what it points to
	data  []byte // what it was decoded from
	again func(c Codec, data []byte) (any, error)

	mutable bool // of a type that shares memory with the handler's copy
	written bool
}

// anew decodes data as Get did.
func anew[T any](c Codec, data []byte) (any, error) {
	var v T
	err := c.Decode(data, &v)
	return v, err
}

// handOut follows a value that was decoded from data, if that is wanted, and is what the handler gets: the same for
// each Get.
func handOut[T any](s *Session, name string, data []byte, v T) T {
	if s.manager.tracking == TrackSet {
		return v
	}
	mutable := shares(reflect.TypeFor[T]())
	if !mutable && s.manager.tracking != TrackAlways {
		return v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	h := st.handed[name]
	if h != nil {
		if same, ok := h.value.(T); ok {
			return same
		}
	}
	if st.handed == nil {
		st.handed = make(map[string]*handed)
	}
	st.handed[name] = &handed{
		value: v, data: data, again: anew[T], mutable: mutable, written: h != nil && h.written,
	}
	return v
}

// followed is the value that Get handed out before, if it was of the same type.
func followed[T any](s *Session, name string) (v T, ok bool) {
	if s == nil || s.manager.tracking == TrackSet {
		return v, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.state.handed[name]; h != nil {
		v, ok = h.value.(T)
	}
	return v, ok
}

// shares reports whether copies of a value of type t share memory that can be written.
func shares(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return true
	case reflect.Array:
		return shares(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if shares(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// follow makes changes of what the handler did to the values that it got.
func (s *Session) follow() error {
	if s.manager.tracking == TrackSet {
		return nil
	}
	s.mu.Lock()
	values := maps.Clone(s.state.handed)
	s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		h := values[name]
		data, changed, err := h.now(s.manager.codec)
		if err != nil {
			return fmt.Errorf("attribute %q, changed after Get: %w", name, err)
		}
		if !changed && (h.written || s.manager.tracking != TrackAlways) {
			continue
		}
		if err := s.wrote(name, h, data); err != nil {
			return fmt.Errorf("attribute %q, changed after Get: %w", name, err)
		}
	}
	return nil
}

// now is the value as the handler left it, encoded, and whether that is another than it was. It is compared with a fresh
// decoding, because encodings may differ without a change: gob writes maps in any order, and a type that got a field
// with the last deploy is encoded with it.
func (h *handed) now(c Codec) (data []byte, changed bool, err error) {
	if !h.mutable {
		return h.data, false, nil
	}
	old, err := h.again(c, h.data)
	if err == nil && reflect.DeepEqual(old, h.value) {
		return h.data, false, nil
	}
	if data, err = c.Encode(h.value); err != nil {
		return nil, false, err
	}
	return data, true, nil
}

// wrote makes a pending change of a value that was handed out, unless the handler has set the attribute since.
func (s *Session) wrote(name string, h *handed, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.handed[name] != h || st.closed() != nil {
		return nil
	}
	if err := st.pending.put(replica.Change{Name: name, Value: data}); err != nil {
		return err
	}
	if !h.written && s.manager.tracking == TrackAlways {
		st.pending.insist(name)
	}
	h.data, h.written = data, true
	return nil
}

// unfollow leaves what was handed out to the handler.
func (s *Session) unfollow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.handed = nil
}
