package wire

import (
	"time"

	"github.com/sessnode/sessnode/replica"
)

// entrySizeMin and requestSizeMin are the least sizes of their records, in bytes.
const (
	entrySizeMin   = 1 + 1 + 8 + 1 + 1 + 1
	requestSizeMin = 1 + 8 + 1 + 1 + 2 + stampSize
)

func appendEntry(b []byte, e *replica.Entry, now time.Duration) []byte {
	b, mark := beginRecord(b)
	b = appendUvarint(b, e.Seq)
	b = appendRequestID(b, e.Request)
	b = appendInt64(b, e.NotAfter)
	b = appendParts(b, e.Parts, now)
	if len(e.Requests) > 0 { // hardly ever
		b = appendRemembered(b, e.Requests)
	}
	return endRecord(b, mark)
}

// readEntry puts the parts into space as long as they fit.
func readEntry(r *reader, e *replica.Entry, space []replica.Part) {
	after := r.enter("entry")
	e.Seq = r.uvarint("seq")
	e.Request = r.requestID("request id")
	e.NotAfter = r.int64("not after")
	e.Parts = readParts(r, space)
	if len(r.rest) > 0 {
		e.Requests = readRemembered(r)
	}
	r.leave(after)
}

func appendParts(b []byte, parts []replica.Part, now time.Duration) []byte {
	b = appendCount(b, len(parts))
	for i := range parts {
		b = appendPart(b, &parts[i], now)
	}
	return b
}

func readParts(r *reader, space []replica.Part) []replica.Part {
	n := r.count("parts", partsMax, sessionSizeMin)
	switch {
	case n == 0:
		return nil
	case n > cap(space):
		space = make([]replica.Part, 0, n)
	}
	parts := space[:0]
	for range n {
		parts = append(parts, readPart(r))
		if r.failed() {
			return nil
		}
	}
	return parts
}

func appendEntries(b []byte, entries []replica.Entry, now time.Duration) []byte {
	b = appendCount(b, len(entries))
	for i := range entries {
		b = appendEntry(b, &entries[i], now)
	}
	return b
}

func readEntries(r *reader) []replica.Entry {
	n := r.count("entries", entriesMax, entrySizeMin)
	if n == 0 {
		return nil
	}
	entries := make([]replica.Entry, n)
	for i := range entries {
		readEntry(r, &entries[i], nil)
		if r.failed() {
			return nil
		}
	}
	return entries
}

func appendRemembered(b []byte, requests []replica.RememberedRequest) []byte {
	b = appendCount(b, len(requests))
	for i := range requests {
		q := &requests[i]
		var mark int
		b, mark = beginRecord(b)
		b = appendRequestID(b, q.Request)
		b = appendInt64(b, q.NotAfter)
		b = appendKey(b, q.Key)
		b = appendStamp(b, q.Stamp)
		if len(q.Over) > 0 {
			b = appendAttrs(b, q.Over, q.Stamp)
		}
		b = endRecord(b, mark)
	}
	return b
}

func readRemembered(r *reader) []replica.RememberedRequest {
	n := r.count("remembered requests", requestMax, requestSizeMin)
	if n == 0 {
		return nil
	}
	requests := make([]replica.RememberedRequest, n)
	for i := range requests {
		after := r.enter("remembered request")
		requests[i] = replica.RememberedRequest{
			Request:  r.requestID("request id"),
			NotAfter: r.int64("not after"),
			Key:      ownKey(r.viewKey()),
			Stamp:    r.stamp("stamp"),
		}
		if r.more() {
			hid := replica.Session{Stamp: requests[i].Stamp}
			readAttrs(r, &hid)
			ownSession(&hid)
			requests[i].Over = hid.Attrs
		}
		r.leave(after)
		if r.failed() {
			return nil
		}
	}
	return requests
}
