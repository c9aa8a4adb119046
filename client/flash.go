package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// Messages lie in attributes of their own, one each, so that those of two sides of a split merge. The names are few and
// used again, because a session remembers every name that was ever deleted.
const (
	attrFlash    = AttrReserved + "flash:" // and a digit
	flashDigits  = "0123456789abcdef"
	flashesMax   = len(flashDigits)
	flashTimeLen = 8 // bytes before the message's own: when it was left, nanoseconds since 1970, so that they sort
)

// flashes are the messages that a request leaves and takes. The zero value is none.
type flashes struct {
	added [][]byte         // as stored; at most flashesMax
	taken []replica.Change // messages that were seen, by name and value
}

// Flash leaves a message for the next page that asks, after a redirect for instance. It begins a session like [Set]. At
// most 16 wait; a further one displaces the oldest. Errors are those of Set.
//
// A commit that leaves or takes messages is made again when another request came between, on a new load, until the
// Timeout is over: no message is lost to a parallel request.
func Flash[T any](s *Session, message T) error {
	if s == nil {
		return ErrNotWrapped
	}
	data, err := s.manager.codec.Encode(message)
	if err != nil {
		return fmt.Errorf("leave a message: %w", err)
	}
	if err := s.ensureLoaded(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if err := st.closed(); err != nil {
		return err
	}
	st.flashed = max(time.Now().UnixNano(), st.flashed+1)
	st.pending.flash.add(append(binary.BigEndian.AppendUint64(nil, uint64(st.flashed)), data...))
	return nil
}

// TakeFlashes is the messages that were left, oldest first, and takes them: no request sees them again once this one is
// committed. Requests that take at the same moment may both get them. A message that cannot be decoded into a T is taken
// too; then the error is ErrUndecodable, beside the others. Other errors are those of [Get], and ErrResponseStarted when
// the request is over.
func TakeFlashes[T any](s *Session) ([]T, error) {
	if s == nil {
		return nil, ErrNotWrapped
	}
	if err := s.ensureLoaded(); err != nil {
		return nil, err
	}
	stored, err := s.takeFlashes()
	if err != nil {
		return nil, err
	}
	var messages []T
	for _, data := range stored {
		var message T
		if e := s.manager.codec.Decode(data[min(flashTimeLen, len(data)):], &message); e != nil {
			err = errors.Join(err, fmt.Errorf("take a message: %w: %w", ErrUndecodable, e))
			continue
		}
		messages = append(messages, message)
	}
	return messages, err
}

// takeFlashes takes all messages as they are stored, those of this request last.
func (s *Session) takeFlashes() ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	if st.phase == phaseOver {
		return nil, ErrResponseStarted
	}
	var messages [][]byte
	for name, value := range stored(st.base) {
		if message := (replica.Change{Name: name, Value: value}); !st.sending.flash.has(message) && !st.pending.flash.has(message) {
			st.pending.flash.taken = append(st.pending.flash.taken, message)
			messages = append(messages, value)
		}
	}
	slices.SortFunc(messages, bytes.Compare)
	messages = append(messages, st.pending.flash.added...)
	st.pending.flash.added = nil
	return messages, nil
}

// flashing reports whether the pending changes concern messages, which others may leave and take too, and whether this
// request knows exactly which there were.
func (s *Session) flashing() (flashing, exact bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := &s.state
	return st.id != "" && st.pending.flash.any(), st.exact
}

func (f *flashes) any() bool { return len(f.added)+len(f.taken) > 0 }

func (f *flashes) add(message []byte) {
	if len(f.added) == flashesMax {
		f.added = f.added[1:]
	}
	f.added = append(f.added, message)
}

func (f *flashes) has(taken replica.Change) bool {
	return slices.ContainsFunc(f.taken, func(ch replica.Change) bool {
		return ch.Name == taken.Name && bytes.Equal(ch.Value, taken.Value)
	})
}

// after is f on top of old.
func (f *flashes) after(old flashes) flashes {
	both := flashes{slices.Clone(old.added), slices.Concat(old.taken, f.taken)}
	for _, message := range f.added {
		both.add(message)
	}
	return both
}

// changes is what f makes of the messages in base: a place is free again if it still holds what was taken from it.
func (f *flashes) changes(base *replica.Session) []replica.Change {
	if !f.any() {
		return nil
	}
	places := stored(base)
	var list []replica.Change
	for _, taken := range f.taken {
		if value, ok := places[taken.Name]; ok && bytes.Equal(value, taken.Value) {
			delete(places, taken.Name)
			list = append(list, replica.Change{Name: taken.Name, Delete: true})
		}
	}
	for _, message := range f.added {
		name := place(places)
		places[name] = message
		list = append(list, replica.Change{Name: name, Value: message})
	}
	return list
}

// stored is the messages in a session, by the names of their attributes.
func stored(base *replica.Session) map[string][]byte {
	places := map[string][]byte{}
	if base == nil {
		return places
	}
	for _, a := range base.Attrs {
		if !a.Deleted && strings.HasPrefix(a.Name, attrFlash) {
			places[a.Name] = a.Value
		}
	}
	return places
}

// place is where a further message goes: a free place chosen at random, so that two sides of a split rarely choose the
// same, or that of the oldest.
func place(places map[string][]byte) string {
	oldest := ""
	for _, i := range rand.Perm(flashesMax) {
		name := attrFlash + flashDigits[i:i+1]
		value, used := places[name]
		if !used {
			return name
		}
		if oldest == "" || bytes.Compare(value, places[oldest]) < 0 {
			oldest = name
		}
	}
	return oldest
}
