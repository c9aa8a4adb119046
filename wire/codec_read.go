package wire

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
	"unsafe"
)

// reader takes the fields of one payload off its front. The first failure sticks: it is noted with its field, and every
// later read gives zero. Nothing is allocated on the word of a length or count before the bytes behind it are seen.
type reader struct {
	rest []byte        // of the record that is being read. Invariant: empty after a failure.
	now  time.Duration // the receiver's Instant.Mono

	field, cause string // of the first failure
}

func (r *reader) failed() bool { return r.cause != "" }

func (r *reader) fail(field, cause string) {
	if !r.failed() {
		r.field, r.cause = field, cause
	}
	r.rest = nil
}

func (r *reader) uvarint(field string) uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(field, "no uvarint")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) varint(field string) int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(field, "no varint")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint32(field string) uint32 {
	v := r.uvarint(field)
	if v > math.MaxUint32 {
		r.fail(field, "beyond 32 bits")
		return 0
	}
	return uint32(v)
}

// int64 is a signed number that is rarely negative: its two's complement as a uvarint.
func (r *reader) int64(field string) int64 { return int64(r.uvarint(field)) }

func (r *reader) duration(field string) time.Duration { return time.Duration(r.int64(field)) }

func (r *reader) byte(field string) byte {
	if len(r.rest) == 0 {
		r.fail(field, "missing")
		return 0
	}
	v := r.rest[0]
	r.rest = r.rest[1:]
	return v
}

// enum is a byte of at most last.
func (r *reader) enum(field string, last byte) byte {
	v := r.byte(field)
	if v > last {
		r.fail(field, "unknown value")
		return 0
	}
	return v
}

func (r *reader) fixed64(field string) uint64 {
	if len(r.rest) < 8 {
		r.fail(field, "missing")
		return 0
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

// take is the next n bytes, which alias the payload.
func (r *reader) take(field string, n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(field, "longer than the rest of its record")
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

// view is a length-prefixed byte string that aliases the payload.
func (r *reader) view(field string) []byte { return r.take(field, r.uvarint(field)) }

// viewOptional is a byte string that aliases the payload, or absent: zero, or its length plus one and the bytes.
func (r *reader) viewOptional(field string) (v []byte, present bool) {
	n := r.uvarint(field)
	if n == 0 {
		return nil, false
	}
	return r.take(field, n-1), true
}

// viewText is view as a string. It aliases the payload: the caller copies it before the payload is given back.
func (r *reader) viewText(field string) string {
	v := r.view(field)
	return unsafe.String(unsafe.SliceData(v), len(v))
}

func (r *reader) bytes(field string) []byte { return ownValue(r.view(field)) }

func (r *reader) text(field string) string { return string(r.view(field)) }

// more reports whether the record has another field, which a sender of an earlier version leaves out.
func (r *reader) more() bool { return len(r.rest) > 0 }

func readTexts(r *reader, field string, countMax int) []string {
	all := make([]string, 0, r.count(field, countMax, 1))
	for range cap(all) {
		all = append(all, r.text(field))
	}
	if r.failed() || len(all) == 0 {
		return nil
	}
	return all
}

// count is the number of elements that follow, of which each takes at least sizeMin bytes.
func (r *reader) count(field string, countMax, sizeMin int) int {
	n := r.uvarint(field)
	switch {
	case n > uint64(countMax):
		r.fail(field, "count beyond the limit")
		return 0
	case n*uint64(sizeMin) > uint64(len(r.rest)):
		r.fail(field, "count beyond the rest of the record")
		return 0
	}
	return int(n)
}

// enter begins a length-prefixed record: until leave, which gets after unchanged, reads stay inside it.
func (r *reader) enter(field string) (after []byte) {
	body := r.view(field)
	after, r.rest = r.rest, body
	return after
}

// leave ends a record and skips what a newer sender appended to it.
func (r *reader) leave(after []byte) {
	if !r.failed() {
		r.rest = after
	}
}

// ownValue is a copy of v, nil when v is empty.
func ownValue(v []byte) []byte {
	if len(v) == 0 {
		return nil
	}
	return slices.Clone(v)
}
