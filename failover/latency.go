package failover

import (
	"math"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// latency compares how long requests take now with how long they usually do. Requests are gathered for the time between
// two looks at every slot, so that one request costs two additions.
type latency struct {
	sum    time.Duration // of the requests since the last look
	count  int
	looks  float64       // at which there were requests
	last   time.Duration // Instant.Mono of the last of them
	recent float64       // nanoseconds, over the last second or so
	usual  float64       // nanoseconds, over the last ten minutes or so
}

// Over what time the two are averaged; the looks after which there is a usual value; how many times
// as long is unusual; below what no request is slow.
const (
	recentOver  = time.Second
	usualOver   = 10 * time.Minute
	usualAfter  = 20
	unusual     = 2
	slowAtLeast = 5 * time.Millisecond
)

// Observe tells how long a request took that this node answered as primary. Moves pause while requests take much longer
// than they usually do.
func (c *Core) Observe(took time.Duration) {
	c.latency.sum += took
	c.latency.count++
}

// look takes in what was observed since the last look.
func (l *latency) look(now replica.Instant) {
	if l.count == 0 {
		return
	}
	mean := float64(l.sum) / float64(l.count)
	l.sum, l.count = 0, 0
	if now.Mono-l.last > recentOver {
		l.recent = mean // what was before is no news
	}
	l.last = now.Mono
	weight := float64(scanEvery) / float64(usualOver)
	if l.looks++; l.looks < usualAfter || mean < unusual*l.usual {
		weight = max(weight, 1/l.looks) // while little is known; but what is unusual is learnt slowly from the start
	}
	l.recent += (mean - l.recent) * (1 - math.Exp(-float64(scanEvery)/float64(recentOver)))
	l.usual += (mean - l.usual) * weight
}

// slow reports whether requests take so many times as long as they usually do. A load that stays becomes the usual one;
// without requests nothing is slow.
func (l *latency) slow(now replica.Instant, factor float64) bool {
	return l.looks >= usualAfter && now.Mono-l.last <= recentOver &&
		l.recent > float64(slowAtLeast) && l.recent > factor*l.usual
}
