package client

// Stats says what became of a [Client]'s requests, and what it saved by keeping sessions, see Config.CacheBytes.
type Stats struct {
	Retries    uint64 // times that a request was sent again, to the same node or another
	Unanswered uint64 // requests that ended without a final answer: out of time, given up by their caller, or refused by Close

	// CacheHits counts the loads that were answered by the version kept: the slot's primary was asked, and confirmed it.
	CacheHits    uint64
	CacheUpdates uint64 // loads that brought what had changed since the version kept
	CacheMisses  uint64 // loads whose session came whole
	// CacheSessions and CacheBytes are what is kept now.
	CacheSessions, CacheBytes int
}

// Stats counts since Dial.
func (c *Client) Stats() Stats {
	s := c.cache.Stats()
	return Stats{
		Retries: c.tally.retries.Load(), Unanswered: c.tally.unanswered.Load(),
		CacheHits: s.Hits, CacheUpdates: s.Updates, CacheMisses: s.Misses, CacheSessions: s.Sessions, CacheBytes: s.Bytes,
	}
}
