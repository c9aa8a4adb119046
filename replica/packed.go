package replica

import (
	"encoding/binary"
	"time"
	"unsafe"
)

// packed is a version of a session in one block without a pointer, which the garbage collector does not look into: the
// form in which sessions that nobody uses wait. It is never modified, and what is unpacked from it shares its memory. It
// does not leave the process, so that its form may change at any time and needs no checks.
//
// It holds the key, a byte that says which stamps and parts follow, the stamps, the settings, the end, and the attributes.
type packed string

// What follows the key. A stamp has a form, two bits of it each.
const (
	packedBornShift    = 0
	packedTouchedShift = 2
	packedSettings     = 1 << 4
	packedEnding       = 1 << 5
)

// The forms of a stamp beside its session's.
const (
	stampNone  byte = 0 // zero
	stampSame  byte = 1 // the session's
	stampNear  byte = 2 // of the session's boot: the difference of the clocks follows
	stampOwn   byte = 3 // clock and boot follow
	stampForms      = 3
)

// packedSpace is what packing takes of the stack: larger sessions are put together on the heap.
const packedSpace = 8 << 10

// pack is s in one block that is no larger than it must be.
func pack(s *Session) packed {
	var space [packedSpace]byte
	return packed(appendPacked(space[:0], s))
}

func appendPacked(b []byte, s *Session) []byte {
	b = appendPackedText(appendPackedText(b, s.Key.App), s.Key.ID)
	flags := formOf(s.Born, s.Stamp)<<packedBornShift | formOf(s.Touched, s.Stamp)<<packedTouchedShift
	if s.Settings != (Settings{}) {
		flags |= packedSettings
	}
	if s.ended() || s.Until != 0 {
		flags |= packedEnding
	}
	b = s.Stamp.append(append(b, flags))
	b = appendBeside(appendBeside(b, s.Born, s.Stamp), s.Touched, s.Stamp)
	b = binary.LittleEndian.AppendUint64(b, uint64(s.Accessed))
	if flags&packedSettings != 0 {
		b = binary.AppendUvarint(b, uint64(s.Settings.Idle))
		b = binary.AppendUvarint(b, uint64(s.Settings.Deadline))
		b = append(b, formOf(s.Settings.Stamp, s.Stamp))
		b = appendBeside(b, s.Settings.Stamp, s.Stamp)
	}
	if flags&packedEnding != 0 {
		b = binary.AppendUvarint(append(b, byte(s.Ending)), uint64(s.Until))
	}
	b = binary.AppendUvarint(b, uint64(len(s.Attrs)))
	for _, a := range s.Attrs {
		b = appendPackedAttr(b, a, s.Stamp)
	}
	return b
}

// appendPackedAttr has a zero in place of the length of a deleted attribute's value, and else one more than that.
func appendPackedAttr(b []byte, a *Attr, session Stamp) []byte {
	b = appendPackedText(b, a.Name)
	b = appendBeside(append(b, formOf(a.Stamp, session)), a.Stamp, session)
	if a.Deleted {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(a.Value))+1), a.Value...)
}

func appendPackedText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func formOf(s, session Stamp) byte {
	switch {
	case s == session:
		return stampSame
	case s.IsZero():
		return stampNone
	case s.Boot == session.Boot:
		return stampNear
	}
	return stampOwn
}

// appendBeside appends what follows the form of s.
func appendBeside(b []byte, s, session Stamp) []byte {
	switch formOf(s, session) {
	case stampNear:
		return binary.AppendVarint(b, int64(s.Clock-session.Clock))
	case stampOwn:
		return s.append(b)
	}
	return b
}

// key is the key of the session.
func (p packed) key() Key {
	r := unpacker(p)
	return Key{App: r.text(), ID: r.text()}
}

// unpack puts the session into s, with its attributes into those of attrs if they fit, which another unpack has made and nobody
// uses any more. What s holds then shares the memory of p.
func (p packed) unpack(s *Session, attrs []*Attr) {
	r := unpacker(p)
	*s = Session{Key: Key{App: r.text(), ID: r.text()}}
	flags := r.byte()
	s.Stamp = r.stamp()
	s.Born = r.beside(flags>>packedBornShift, s.Stamp)
	s.Touched = r.beside(flags>>packedTouchedShift, s.Stamp)
	s.Accessed = time.Duration(r.fixed64())
	if flags&packedSettings != 0 {
		s.Settings = Settings{Idle: time.Duration(r.uvarint()), Deadline: int64(r.uvarint())}
		s.Settings.Stamp = r.beside(r.byte(), s.Stamp)
	}
	if flags&packedEnding != 0 {
		s.Ending, s.Until = Ending(r.byte()), int64(r.uvarint())
	}
	n := int(r.uvarint())
	if n == 0 {
		return
	}
	if n > cap(attrs) {
		s.MakeAttrs(n)
	} else {
		s.Attrs = attrs[:n]
	}
	for _, a := range s.Attrs {
		r.attr(a, s.Stamp)
	}
}

// unpacker takes the parts of a packed session off its front.
type unpacker string

func (r *unpacker) byte() byte {
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

func (r *unpacker) uvarint() uint64 {
	v := uint64(0)
	for shift := 0; ; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (r *unpacker) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *unpacker) take(n uint64) string {
	s := string((*r)[:n])
	*r = (*r)[n:]
	return s
}

func (r *unpacker) text() string { return r.take(r.uvarint()) }

func (r *unpacker) fixed64() uint64 {
	s := r.take(8)
	return binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s), len(s)))
}

func (r *unpacker) stamp() Stamp { return Stamp{Clock: r.fixed64(), Boot: Boot(r.fixed64())} }

func (r *unpacker) beside(form byte, session Stamp) Stamp {
	switch form & stampForms {
	case stampSame:
		return session
	case stampNear:
		return Stamp{Clock: session.Clock + uint64(r.varint()), Boot: session.Boot}
	case stampOwn:
		return r.stamp()
	}
	return Stamp{}
}

func (r *unpacker) attr(a *Attr, session Stamp) {
	*a = Attr{Name: r.text()}
	a.Stamp = r.beside(r.byte(), session)
	switch n := r.uvarint(); n {
	case 0:
		a.Deleted = true
	case 1:
	default:
		s := r.take(n - 1)
		a.Value = unsafe.Slice(unsafe.StringData(s), len(s))
	}
}

// keyRoom is room for a key beside what else is known of its session, see versions. Longer keys stay where they are.
type keyRoom struct {
	app, id uint8 // lengths; zero: it holds none
	bytes   [46]byte
}

// hold is key, with its bytes in k if they fit. k holds no other.
func (k *keyRoom) hold(key Key) Key {
	if len(key.App)+len(key.ID) > len(k.bytes) {
		return key
	}
	k.app, k.id = uint8(len(key.App)), uint8(len(key.ID))
	copy(k.bytes[copy(k.bytes[:], key.App):], key.ID)
	held, _ := k.key()
	return held
}

// key is the key that k holds, if any.
func (k *keyRoom) key() (key Key, ok bool) {
	all := unsafe.String(&k.bytes[0], int(k.app)+int(k.id))
	return Key{App: all[:k.app], ID: all[k.app:]}, len(all) > 0
}
