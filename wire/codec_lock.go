package wire

import "github.com/sessnode/sessnode/replica"

// The first byte of a lock.
const (
	lockRelease = 1 << 0
	lockHeld    = 1 << 1 // the token follows
	lockAsks    = 1 << 2 // request id and not-after follow
)

func appendLock(b []byte, l *replica.Lock) []byte {
	b, mark := beginRecord(b)
	flags := bitIf(l.Release, lockRelease) | bitIf(!l.Held.IsZero(), lockHeld) | bitIf(!l.Request.IsZero() || l.NotAfter != 0, lockAsks)
	b = appendKey(append(b, flags), l.Key)
	if flags&lockHeld != 0 {
		b = appendStamp(b, l.Held)
	}
	if flags&lockAsks != 0 {
		b = appendInt64(appendRequestID(b, l.Request), l.NotAfter)
	}
	b = appendDuration(appendDuration(b, l.Wait), l.Lease)
	return endRecord(appendText(b, l.Holder), mark)
}

func readLock(r *reader, l *replica.Lock) {
	after := r.enter("lock")
	flags := r.byte("lock flags")
	l.Release = flags&lockRelease != 0
	l.Key = ownKey(r.viewKey())
	if flags&lockHeld != 0 {
		l.Held = r.stamp("held")
	}
	if flags&lockAsks != 0 {
		l.Request, l.NotAfter = r.requestID("request id"), r.int64("not after")
	}
	l.Wait, l.Lease, l.Holder = r.duration("wait"), r.duration("lease"), r.text("holder")
	r.leave(after)
}

func appendList(b []byte, l *replica.List) []byte {
	b, mark := beginRecord(b)
	b = appendText(appendUint32(b, l.Slot), l.App)
	b = appendText(appendText(b, l.Principal), l.After)
	if l.NotAfter != 0 {
		b = appendInt64(b, l.NotAfter)
	}
	return endRecord(b, mark)
}

func readList(r *reader) *replica.List {
	after := r.enter("list")
	l := &replica.List{Slot: r.uint32("slot"), App: r.text("app"), Principal: r.text("principal"), After: r.text("after")}
	if r.more() {
		l.NotAfter = r.int64("not after")
	}
	r.leave(after)
	return l
}

// Bounds on the locks that a hand-off brings.
const (
	locksMax = 1 << 16
	queueMax = 1 << 16

	requestIDSizeMin = 8 + 1
	lockSizeMin      = 2 + stampSize + requestIDSizeMin + 3
)

func appendLocks(b []byte, locks []replica.HeldLock) []byte {
	b = appendCount(b, len(locks))
	for i := range locks {
		l := &locks[i]
		b = appendRequestID(appendStamp(appendKey(b, l.Key), l.Token), l.Request)
		b = appendDuration(appendText(b, l.Holder), l.Left)
		b = appendCount(b, len(l.Queue))
		for _, id := range l.Queue {
			b = appendRequestID(b, id)
		}
	}
	return b
}

func readLocks(r *reader) []replica.HeldLock {
	var locks []replica.HeldLock
	for range r.count("locks", locksMax, lockSizeMin) {
		l := replica.HeldLock{Key: ownKey(r.viewKey()), Token: r.stamp("token"), Request: r.requestID("request id")}
		l.Holder, l.Left = r.text("holder"), r.duration("left")
		for range r.count("queue", queueMax, requestIDSizeMin) {
			l.Queue = append(l.Queue, r.requestID("queue"))
		}
		if r.failed() {
			return nil
		}
		locks = append(locks, l)
	}
	return locks
}
