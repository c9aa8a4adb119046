package wire

import (
	"net"
	"sync"
	"time"
)

// flood bounds the handshakes of strangers. Each costs a certificate to make and memory until it is over, and whoever
// begins it has shown nothing yet, perhaps not even an address of its own.
type flood struct {
	perSecond int // handshakes; twice as many may come at once

	mu    sync.Mutex // guards the fields below
	owed  float64    // handshakes begun, less those that time has paid for. Invariant: 0 <= owed <= 2*perSecond.
	since time.Time
}

// unverifiedShare is the part of what may come at once that need not show that its address is its own.
const unverifiedShare = 4

// pay takes off what time has paid for. Called with mu held.
func (f *flood) pay(now time.Time) {
	if paid := now.Sub(f.since).Seconds() * float64(f.perSecond); paid > 0 {
		f.owed = max(0, f.owed-paid)
		f.since = now
	}
}

// begin reports whether another handshake may begin, and charges it.
func (f *flood) begin(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pay(now)
	if f.owed+1 > float64(2*f.perSecond) {
		return false
	}
	f.owed++
	return true
}

// verify reports whether so much was begun that a sender must show first, by an answer, that its address is its own. That
// costs it a round trip and this side a packet.
func (f *flood) verify(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pay(now)
	return f.owed >= float64(2*f.perSecond)/unverifiedShare
}

// verifySource is [quic.Transport.VerifySourceAddress].
func (f *flood) verifySource(net.Addr) bool { return f.verify(time.Now()) }
