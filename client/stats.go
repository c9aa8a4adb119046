package client

// Stats says what a [Client] saved by keeping sessions, see Config.CacheBytes.
type Stats struct {
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
	return Stats{CacheHits: s.Hits, CacheUpdates: s.Updates, CacheMisses: s.Misses, CacheSessions: s.Sessions, CacheBytes: s.Bytes}
}
