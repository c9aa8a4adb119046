package product

import (
	"encoding/binary"
	"fmt"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// A session as one value: of each attribute the lengths of name and value, two bytes each, and both.

// encode is a new session. The attribute that changes is somewhere in the middle.
func encode(s load.Shape, version uint64) []byte {
	b := make([]byte, 0, s.Bytes+8*s.Attributes)
	for i, name := range s.Names() {
		value := s.Fill(i)
		if name == load.ChangedName {
			value = s.Value(version)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(name)))
		b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
		b = append(append(b, name...), value...)
	}
	return b
}

// find is the value of the attribute that changes, within the session; all attributes are looked at, as by who decodes
// them all.
func find(session []byte) (found []byte) {
	for len(session) >= 4 {
		name, value := int(binary.BigEndian.Uint16(session)), int(binary.BigEndian.Uint16(session[2:]))
		if session = session[4:]; len(session) < name+value {
			return nil
		}
		if string(session[:name]) == load.ChangedName {
			found = session[name : name+value]
		}
		session = session[name+value:]
	}
	return found
}

// decode is the version of a session.
func decode(session []byte) (uint64, error) {
	value := find(session)
	if value == nil {
		return 0, fmt.Errorf("%w: a session of %d bytes without %q", load.ErrWrong, len(session), load.ChangedName)
	}
	return load.Version(value)
}

// change writes a new version into a session.
func change(s load.Shape, session []byte, version uint64) { copy(find(session), s.Value(version)) }
