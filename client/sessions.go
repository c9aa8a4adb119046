package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sessnode/sessnode/replica"
)

// listAtOnce is how many slots are asked at a time.
const listAtOnce = 64

// Sessions lists the ids of an application's live sessions, in order; with a principal, see [SetPrincipal], only those of
// it. Every slot's primary is asked, so the answer holds all that existed throughout the call, whatever failed over
// meanwhile; of those that began or ended during it, it may have either. Errors: errors.ErrUnsupported for a store that
// cannot list; otherwise those of [Store], and then nothing is listed.
func Sessions(ctx context.Context, store Store, app, principal string) ([]string, error) {
	lister, ok := store.(Lister)
	if !ok {
		return nil, fmt.Errorf("list sessions: %w by %T", errors.ErrUnsupported, store)
	}
	slots, err := lister.Slots(ctx)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	l := &listing{lister: lister, app: app, principal: principal, slots: slots}
	ctx, l.stop = context.WithCancel(ctx)
	defer l.stop()
	var workers sync.WaitGroup
	for range min(listAtOnce, slots) {
		workers.Go(func() { l.work(ctx) })
	}
	workers.Wait()
	if l.err != nil {
		return nil, fmt.Errorf("list sessions: %w", l.err)
	}
	slices.Sort(l.ids)
	return l.ids, nil
}

// listing is one call of Sessions.
type listing struct {
	lister         Lister
	app, principal string
	slots          int
	next           atomic.Int64 // slot to ask
	stop           context.CancelFunc

	mu  sync.Mutex // guards the rest
	ids []string
	err error // the first
}

// work asks slot after slot.
func (l *listing) work(ctx context.Context) {
	for slot := l.next.Add(1) - 1; slot < int64(l.slots); slot = l.next.Add(1) - 1 {
		if err := l.ask(ctx, uint32(slot)); err != nil {
			l.mu.Lock()
			if l.err == nil {
				l.err = err
			}
			l.mu.Unlock()
			l.stop()
			return
		}
	}
}

// ask lists one slot, page after page.
func (l *listing) ask(ctx context.Context, slot uint32) error {
	page := replica.List{Slot: slot, App: l.app, Principal: l.principal}
	for {
		res, err := answer(l.lister.List(ctx, &page))
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.ids = append(l.ids, res.IDs...)
		l.mu.Unlock()
		if len(res.IDs) < replica.ListMax {
			return nil
		}
		page.After = res.IDs[len(res.IDs)-1]
	}
}
