package simnet

// Stats counts packets since New.
//
// Invariant: Sent + Duplicated == Delivered + Dropped() + UnderWay, until Close drops what is under way.
type Stats struct {
	// Sent is how many packets sockets wrote.
	Sent uint64
	// Duplicated is how many second copies the network made.
	Duplicated uint64
	// Reordered is how many packets were held back for later ones to overtake.
	Reordered uint64
	// Delivered is how many packets reached the queue of a socket; whether anybody read them is not known.
	Delivered uint64
	// DroppedCut is how many packets met a cut, when they left or when they arrived.
	DroppedCut uint64
	// DroppedLoss is how many packets fell to Loss.
	DroppedLoss uint64
	// DroppedFull is how many packets found a full queue, the socket's or the network's.
	DroppedFull uint64
	// DroppedNobody is how many packets arrived where nobody listened.
	DroppedNobody uint64
	// UnderWay is how many packets have left and not yet arrived.
	UnderWay uint64
}

// Dropped returns how many packets were dropped, whatever the reason.
func (s Stats) Dropped() uint64 {
	return s.DroppedCut + s.DroppedLoss + s.DroppedFull + s.DroppedNobody
}

// Stats returns the counters of the whole network.
func (n *Network) Stats() Stats { return n.StatsOf(Any, Any) }

// StatsOf returns the counters of one direction between two hosts; [Any] for either sums over all.
// It panics if a host is not an IP address.
func (n *Network) StatsOf(from, to string) Stats {
	pattern := mustRoute(from, to)
	n.mu.Lock()
	defer n.mu.Unlock()
	var sum Stats
	for rt, l := range n.links {
		if pattern.matches(rt) {
			sum.add(l.stats)
		}
	}
	return sum
}

func (s *Stats) add(other Stats) {
	s.Sent += other.Sent
	s.Duplicated += other.Duplicated
	s.Reordered += other.Reordered
	s.Delivered += other.Delivered
	s.DroppedCut += other.DroppedCut
	s.DroppedLoss += other.DroppedLoss
	s.DroppedFull += other.DroppedFull
	s.DroppedNobody += other.DroppedNobody
	s.UnderWay += other.UnderWay
}
