package replica

import (
	"encoding/base64"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
)

// A session id is a placement tag, a dot, and 132 random bits: "tagtag.RRRRRRRRRRRRRRRRRRRRRR", in the alphabet of
// base64url. The slot comes from the tag, so that ids with the same tag live in the same slot and a session can change
// its id in one commit of one slot.
const (
	tagLen    = 6
	randomLen = 22
	idLen     = tagLen + 1 + randomLen

	// IDLenMax bounds, in bytes, the ids that are accepted: longer ones are refused before they are looked up.
	IDLenMax = 128
	// AppLenMax bounds an application's name in bytes.
	AppLenMax = 64
)

// Key names a session: the application that it belongs to and its id. Both are required.
type Key struct {
	App string
	ID  string
}

// String is the application and a shortened id, fit for a log.
func (k Key) String() string { return k.App + "/" + ShortID(k.ID) }

// Validate reports a key that could never name a session.
func (k Key) Validate() error {
	switch {
	case k.App == "" || k.ID == "":
		return fmt.Errorf("%w: a session needs an application and an id", ErrBadRequest)
	case len(k.App) > AppLenMax:
		return fmt.Errorf("%w: application name of %d bytes, limit %d", ErrTooLarge, len(k.App), AppLenMax)
	case len(k.ID) > IDLenMax:
		return fmt.Errorf("%w: session id of %d bytes, limit %d", ErrTooLarge, len(k.ID), IDLenMax)
	}
	return nil
}

// NewID makes an id with a random tag from random, which must be crypto/rand's reader outside tests.
func NewID(random io.Reader) (string, error) {
	var b [tagLen * 6 / 8 * 2]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make a session id: %w", err)
	}
	return NewTaggedID(random, base64.RawURLEncoding.EncodeToString(b[:])[:tagLen])
}

// NewTaggedID makes an id with the given tag, as [Tag] or [TagFrom] returns it.
func NewTaggedID(random io.Reader, tag string) (string, error) {
	var b [17]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("make a session id: %w", err)
	}
	return tag + "." + base64.RawURLEncoding.EncodeToString(b[:])[:randomLen], nil
}

// TagFrom derives a tag from any source (a user's or a tenant's name), so that related sessions share a slot.
func TagFrom(source string) string {
	h := xxhash.Sum64String(source)
	b := []byte{byte(h), byte(h >> 8), byte(h >> 16), byte(h >> 24), byte(h >> 32)}
	return base64.RawURLEncoding.EncodeToString(b)[:tagLen]
}

// Tag is the part of an id that decides its slot: the tag of an id made here, the whole of any other.
func Tag(id string) string {
	if WellFormedID(id) {
		return id[:tagLen]
	}
	return id
}

// WellFormedID reports whether an id has the form that NewID gives. What a cookie carries is checked with it before
// anything is sent.
func WellFormedID(id string) bool {
	if len(id) != idLen || id[tagLen] != '.' {
		return false
	}
	return isBase64URL(id[:tagLen]) && isBase64URL(id[tagLen+1:])
}

func isBase64URL(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// ShortID is the first eight characters of an id and an ellipsis: enough to follow it in a log, not to use it.
func ShortID(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[:8] + "…"
}

// SlotOf is the slot of a session id among slots of them: xxHash64 of the tag, modulo slots.
func SlotOf(id string, slots int) uint32 { return uint32(xxhash.Sum64String(Tag(id)) % uint64(slots)) }
