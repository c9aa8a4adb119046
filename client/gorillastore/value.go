package gorillastore

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// entry is one of Session.Values as it is stored. The key travels with the value, because an attribute's name does not
// tell its type.
type entry struct{ Key, Value any }

// attrName is the attribute of a key: its type, a colon, and what it is. The type keeps 1 and "1" apart, and the colon
// all of them from the attributes that are not values.
func attrName(key any) string {
	if s, ok := key.(string); ok {
		return "string:" + s
	}
	return fmt.Sprintf("%T:%#v", key, key)
}

// reserved begins the names of attributes that are the cluster's.
const reserved = "sessnode:"

func isValue(attr string) bool {
	return strings.Contains(attr, ":") && !strings.HasPrefix(attr, reserved)
}

func encode(key, value any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(entry{key, value}); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func decode(data []byte) (entry, error) {
	var e entry
	err := gob.NewDecoder(bytes.NewReader(data)).Decode(&e)
	if err == nil && e.Key != nil && !reflect.ValueOf(e.Key).Comparable() {
		err = fmt.Errorf("a %T is no key of a map", e.Key)
	}
	return e, err
}

// decodeAll puts a session's values into values and returns them encoded, by attribute. The error names those that cannot
// be decoded; the others are there.
func decodeAll(s *replica.Session, values map[any]any) (map[string][]byte, error) {
	attrs := make(map[string][]byte, len(s.Attrs))
	var errs []error
	for _, a := range s.Attrs {
		data, ok := s.Get(a.Name)
		if !ok || !isValue(a.Name) {
			continue
		}
		e, err := decode(data)
		if err != nil {
			errs = append(errs, fmt.Errorf("decode attribute %q: %w", a.Name, err))
			continue
		}
		attrs[a.Name], values[e.Key] = data, e.Value
	}
	return attrs, errors.Join(errs...)
}

// same reports whether value, encoded as data, is what old holds. Equal values may be encoded differently: gob numbers
// types as each process meets them, and maps have no order.
func same(old, data []byte, value any) bool {
	if bytes.Equal(old, data) {
		return true
	}
	e, err := decode(old)
	return err == nil && reflect.DeepEqual(e.Value, value)
}
