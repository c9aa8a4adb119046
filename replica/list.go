package replica

import (
	"fmt"
	"slices"
	"strings"
)

// AttrPrincipal names the attribute that says whose session it is, for [List]. Its value is the name as it is.
const AttrPrincipal = "sessnode:principal"

// List asks for the ids of the live sessions of one slot, as of their last durable commits. It counts as an access to
// none of them.
type List struct {
	Slot uint32
	App  string
	// Principal, when not empty, is what the sessions' AttrPrincipal must be.
	Principal string
	After     string // only ids beyond it, in the order of bytes; an answer of ListMax ids may not be all
	// NotAfter, when not zero, is the time of day, in milliseconds since 1970, after which nobody waits for the answer.
	NotAfter int64
}

// ListMax bounds the ids in one answer to a List.
const ListMax = 1000

// PrincipalLenMax bounds the name of a principal, in bytes.
const PrincipalLenMax = 256

// Validate reports a question that can have no answer.
func (l *List) Validate(slots int) error {
	switch {
	case int(l.Slot) >= slots:
		return fmt.Errorf("%w: slot %d of %d", ErrBadRequest, l.Slot, slots)
	case l.App == "" || len(l.App) > AppLenMax:
		return fmt.Errorf("%w: application name of %d bytes, 1 to %d", ErrBadRequest, len(l.App), AppLenMax)
	case len(l.Principal) > PrincipalLenMax:
		return fmt.Errorf("%w: principal of %d bytes, limit %d", ErrTooLarge, len(l.Principal), PrincipalLenMax)
	case len(l.After) > IDLenMax:
		return fmt.Errorf("%w: id of %d bytes, limit %d", ErrTooLarge, len(l.After), IDLenMax)
	}
	return nil
}

// List answers with ids in order. The caller has made sure that the slot is Serving and that its lease holds.
func (s *Slot) List(now Instant, t Token, l *List, fx *Effects) {
	if err := l.Validate(s.cfg.Slots); err != nil {
		fx.done(t, ResultOf(err))
		return
	}
	if s.late(now, l.NotAfter) {
		fx.refuse(t, StatusTooLate, "")
		return
	}
	var ids []string
	var shown, newest Session
	for r := range s.records.all() {
		key := r.key()
		if key.App != l.App || key.ID <= l.After {
			continue
		}
		if v := r.shownIn(&shown); live(v) && !s.overBy(now, r, r.viewIn(&newest)) && l.wants(v) {
			ids = append(ids, key.ID)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	fx.done(t, Result{IDs: ids[:min(len(ids), ListMax)]})
}

// wants reports whether a session is one of those asked for.
func (l *List) wants(v *Session) bool {
	if l.Principal == "" {
		return true
	}
	value, ok := v.Get(AttrPrincipal)
	return ok && string(value) == l.Principal
}
