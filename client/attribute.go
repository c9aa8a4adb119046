package client

import (
	"fmt"
	"reflect"

	"github.com/sessnode/sessnode/replica"
)

// Get is the attribute called name, or T's zero value when the session has none or there is no session; [Has] tells the
// two apart. The value is the caller's own: changing it changes nothing until it is Set, unless the manager's Tracking
// says otherwise. Errors: ErrUndecodable when the attribute is no T, see ManagerConfig.Undecodable;
// replica.ErrBadRequest for a name that is empty or begins with [AttrReserved]; the store could not be reached, in which
// case the error hook answers the request unless the handler calls [Session.Discard]; ErrNotWrapped.
func Get[T any](s *Session, name string) (T, error) {
	var zero T
	if err := checkName(name); err != nil {
		return zero, err
	}
	if v, ok := followed[T](s, name); ok {
		return v, nil
	}
	data, ok, err := s.value(name)
	if err != nil || !ok {
		return zero, err
	}
	var v T
	if err := s.manager.codec.Decode(data, &v); err != nil {
		return zero, s.undecodable(name, data, reflect.TypeFor[T](), err)
	}
	return handOut(s, name, data, v), nil
}

// Has reports whether the session has an attribute called name. Errors as for [Get].
func Has(s *Session, name string) (bool, error) {
	if err := checkName(name); err != nil {
		return false, err
	}
	_, ok, err := s.value(name)
	return ok, err
}

// Set gives the attribute called name a value, from the next commit on for everybody and at once for this request. The
// first Set of a visitor without a session begins one. Setting what the attribute already is changes nothing. Errors: v
// cannot be encoded; ErrResponseStarted; replica.ErrTooLarge when this request's changes are more than one commit can
// carry; otherwise as for [Get]. The store's own limits are found out at the commit.
func Set[T any](s *Session, name string, v T) error {
	if s == nil {
		return ErrNotWrapped
	}
	if err := checkName(name); err != nil {
		return err
	}
	data, err := s.manager.codec.Encode(v)
	if err != nil {
		return fmt.Errorf("set attribute %q: %w", name, err)
	}
	return s.change(replica.Change{Name: name, Value: data})
}

// Delete removes the attribute called name, if there is one. Errors as for [Set].
func Delete(s *Session, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.change(replica.Change{Name: name, Delete: true})
}
