package failover

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/sessnode/sessnode/replica"
)

// budget bounds the bytes of sessions that a node sends to learners and acting primaries, whatever the reason. What
// requests cause is not charged.
type budget struct {
	limiter *rate.Limiter
	chunk   int    // what must be there before anything is sent
	sent    uint64 // bytes spent since the start
}

// newBudget allows a burst of a tenth of what it allows in a second, so that no second sees more than 1.1 times as much.
func newBudget(bytesPerSecond, chunkBytes int) budget {
	return budget{
		limiter: rate.NewLimiter(rate.Limit(bytesPerSecond), max(bytesPerSecond/burstShare, chunkBytes)),
		chunk:   chunkBytes,
	}
}

// burstShare is the part of a second's bytes that may be sent at once.
const burstShare = 10

// ready reports whether a chunk may be sent now.
func (b *budget) ready(now replica.Instant) bool {
	return b.limiter.TokensAt(b.time(now)) >= float64(b.chunk)
}

// spend charges what was sent. A chunk with one large session may take more than there is: the debt is paid off before
// anything else is sent.
func (b *budget) spend(now replica.Instant, sizeBytes int) {
	b.sent += uint64(sizeBytes)
	at, burst := b.time(now), b.limiter.Burst()
	for ; sizeBytes > 0; sizeBytes -= burst {
		b.limiter.ReserveN(at, min(sizeBytes, burst))
	}
}

// time is an instant as the limiter counts it; only differences matter to it.
func (b *budget) time(now replica.Instant) time.Time { return time.Unix(0, int64(now.Mono)) }
