package client

import "sync/atomic"

// How many requests may be sent again: a share of those that were sent at all, and a reserve for a moment in which many
// must be, as when a node dies. Without a limit a node that is slow gets every request several times and becomes slower.
const (
	resendsPer     = 10  // requests for one that may be sent again
	resendsReserve = 256 // requests sent again
)

// budget bounds the requests that are sent again although whoever has them may still answer, or said to be overloaded. It
// is not for those whose node is gone, or not the primary any more: these go elsewhere at once. The zero budget is full.
type budget struct {
	spent atomic.Int64 // in tenths of a request. Invariant: 0 <= spent <= resendsPer*resendsReserve.
}

// earn notes a request that is sent for the first time.
func (b *budget) earn() {
	if v := b.spent.Load(); v > 0 {
		b.spent.CompareAndSwap(v, v-1) // who loses a race earns nothing, which the share allows for
	}
}

// spend reports whether one more may be sent again, and charges it.
func (b *budget) spend() bool {
	for {
		v := b.spent.Load()
		if v > resendsPer*(resendsReserve-1) {
			return false
		}
		if b.spent.CompareAndSwap(v, v+resendsPer) {
			return true
		}
	}
}
