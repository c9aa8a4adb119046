package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sessnode/sessnode/node"
)

// Node is what is asked for a node's metrics. A *node.Node is one.
type Node interface {
	Metrics() node.Metrics
}

// NewNode is a collector of a node's metrics. Each collection visits every session that the node holds, without holding up
// requests for longer than one slot takes.
func NewNode(n Node) prometheus.Collector { return nodeCollector{n} }

type nodeCollector struct{ node Node }

// value is one metric without labels, and where its value is.
type value struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(m *node.Metrics) float64
}

func gauge(name, help string, of func(m *node.Metrics) float64) value {
	return value{describe(name, help), prometheus.GaugeValue, of}
}

func counter(name, help string, of func(m *node.Metrics) float64) value {
	return value{describe(name, help), prometheus.CounterValue, of}
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sessnode_"+name, help, labels, nil)
}

// values are the metrics without labels.
var values = []value{
	gauge("ready", "1 if the node should be sent work, else 0.", func(m *node.Metrics) float64 { return one(m.Status.Ready) }),
	gauge("draining", "1 while the node hands over what it holds, to leave.", func(m *node.Metrics) float64 { return one(m.Status.Draining) }),
	gauge("warnings", "What an operator should do something about, see 'sessnode status'.", func(m *node.Metrics) float64 { return float64(len(m.Status.Warnings)) }),
	gauge("clock_ahead_seconds", "By how much the node's clock is ahead of what most members agree on; negative: behind.", func(m *node.Metrics) float64 { return float64(m.Status.ClockAheadMS) / 1000 }),

	gauge("requests_in_flight", "Requests under way, those passed on to another node included.", func(m *node.Metrics) float64 { return float64(m.InFlight) }),
	counter("passed_on_requests_total", "Requests that another node answered, because it is the slot's primary.", func(m *node.Metrics) float64 { return float64(m.PassedOn) }),
	gauge("clients", "Clients that are told of changes of the layout.", func(m *node.Metrics) float64 { return float64(m.Clients) }),

	gauge("sessions", "Live sessions that the node holds, as primary or backup.", func(m *node.Metrics) float64 { return float64(m.Status.Held.Sessions) }),
	gauge("session_bytes", "Bytes of the attributes of these sessions.", func(m *node.Metrics) float64 { return float64(m.Status.Held.Bytes) }),
	gauge("memory_used_bytes", "Bytes that the sessions on the node take, as its limit counts them.", func(m *node.Metrics) float64 { return float64(m.Status.Memory.UsedBytes) }),
	gauge("memory_limit_bytes", "Bytes that they may take, see -memory; 0: any number.", func(m *node.Metrics) float64 { return float64(m.Status.Memory.LimitBytes) }),
	counter("expired_sessions_total", "Sessions that this node ended as primary because their time had come.", func(m *node.Metrics) float64 { return float64(m.Expired) }),
	gauge("locks_held", "Locks held on sessions of which this node is primary.", func(m *node.Metrics) float64 { return float64(m.LocksHeld) }),
	gauge("lock_waiters", "Requests that wait for such a lock.", func(m *node.Metrics) float64 { return float64(m.LocksWaiting) }),

	gauge("leased_slots", "Slots that this node serves: it is primary and its lease holds.", func(m *node.Metrics) float64 { return float64(m.Serving) }),
	gauge("replication_backlog_entries", "Commits that are not on every copy yet.", func(m *node.Metrics) float64 { return float64(m.Backlog.Entries) }),
	gauge("replication_backlog_bytes", "Bytes of the commits that are not on every copy yet.", func(m *node.Metrics) float64 { return float64(m.Backlog.Bytes) }),
	gauge("replication_lag_seconds", "For how long the backup that is furthest behind has made no progress.", func(m *node.Metrics) float64 { return m.Backlog.Behind.Seconds() }),

	gauge("moves_left", "Slots that the node still has to restore or move, those under way included.", func(m *node.Metrics) float64 { return float64(m.Status.Progress.Left) }),
	gauge("moves_left_bytes", "Bytes of sessions still to be sent for what is under way; an estimate.", func(m *node.Metrics) float64 { return float64(m.Status.Progress.LeftBytes) }),
	gauge("handoff_pause_median_seconds", "How long a slot was served by nobody while it was handed over, median of the last 1,024.", func(m *node.Metrics) float64 { return m.Status.Progress.PauseP50MS / 1000 }),
	gauge("handoff_pause_p99_seconds", "The same at the 99th percentile.", func(m *node.Metrics) float64 { return m.Status.Progress.PauseP99MS / 1000 }),
	counter("moved_bytes_total", "Bytes of sessions sent to make copies, move slots and heal.", func(m *node.Metrics) float64 { return float64(m.Status.Progress.SentBytes) }),

	counter("conflicts_total", "Acknowledged writes given up when a split healed, see 'sessnode conflicts'.", func(m *node.Metrics) float64 { return float64(m.Status.Conflicts) }),
	counter("differing_copies_total", "Copies on this node that were found to differ from their primary.", func(m *node.Metrics) float64 { return float64(m.Differed) }),
	counter("repairs_total", "Copies that differed and were made equal by this node.", func(m *node.Metrics) float64 { return float64(m.Repaired) }),
	counter("lost_slots_total", "Slots that this node claimed empty because every copy was gone.", func(m *node.Metrics) float64 { return float64(m.Lost) }),
	counter("revived_slots_total", "Slots revived from a copy that turned up late.", func(m *node.Metrics) float64 { return float64(m.Revived) }),
	counter("evicted_backups_total", "Backups that this node evicted because they were gone or acknowledged nothing.", func(m *node.Metrics) float64 { return float64(m.Evicted) }),
	counter("restored_copies_total", "Copies that this node made.", func(m *node.Metrics) float64 { return float64(m.Restored) }),
	counter("received_handoffs_total", "Slots that were handed over to this node.", func(m *node.Metrics) float64 { return float64(m.HandedOver) }),
	counter("fenced_total", "Slots that this node served until it learned of a higher claim.", func(m *node.Metrics) float64 { return float64(m.Fenced) }),
}

// The metrics with labels, and the histograms.
var (
	infoDesc     = describe("node_info", "1; which node this is, and the version that it runs.", "node", "boot", "cluster", "version")
	requestsDesc = describe("requests_total", "Requests that the node answered itself, as primary, or refused.", "kind", "result")
	refusalsDesc = describe("refusals_total", "Requests that were refused for what the node or the cluster lacked, or because they cannot be meant.", "reason")
	tookDesc     = describe("request_duration_seconds", "From a request's arrival to its answer by this node as primary.", "kind")
	copiesDesc   = describe("commits_total", "Commits that were done, by the copies that held them when they were answered.", "copies")
	slotsDesc    = describe("slots", "Slots of the cluster as this node knows them.", "state")
	heldDesc     = describe("held_slots", "Slots that this node holds something of.", "role")
	membersDesc  = describe("members", "Members as this node sees them.", "state")
	movesDesc    = describe("moves_in_flight", "Slots that the node restores or moves now.", "purpose")
	promotedDesc = describe("promotion_silence_seconds", "For each slot that this node took over, how long its primary had been silent.")
)

// refusals are the results that count as such.
var refusals = []string{
	"unavailable", "not_primary", "not_enough_copies", "overloaded", "over_capacity", "too_late", "too_large", "too_many",
	"bad_request", "forbidden", "locked", "lock_lost",
}

// Describe implements prometheus.Collector.
func (c nodeCollector) Describe(to chan<- *prometheus.Desc) {
	for _, v := range values {
		to <- v.desc
	}
	for _, d := range []*prometheus.Desc{
		infoDesc, requestsDesc, refusalsDesc, tookDesc, copiesDesc, slotsDesc, heldDesc, membersDesc, movesDesc, promotedDesc,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c nodeCollector) Collect(to chan<- prometheus.Metric) {
	m := c.node.Metrics()
	for _, v := range values {
		to <- prometheus.MustNewConstMetric(v.desc, v.kind, v.of(&m))
	}
	s := &m.Status
	to <- prometheus.MustNewConstMetric(infoDesc, prometheus.GaugeValue, 1, s.Node, s.Boot, s.Cluster, s.Version)
	collectRequests(&m, to)
	collectSlots(s, to)
	for state, count := range memberStates(s) {
		to <- sample(membersDesc, count, state)
	}
	to <- sample(movesDesc, s.Progress.Restoring, "restore")
	to <- sample(movesDesc, s.Progress.Moving, "move")
	to <- histogram(promotedDesc, m.Promotions)
}

func collectRequests(m *node.Metrics, to chan<- prometheus.Metric) {
	refused := map[string]uint64{}
	for _, r := range m.Requests {
		for result, count := range r.Results {
			to <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(count), r.Kind, result)
			refused[result] += count
		}
		to <- histogram(tookDesc, r.Took, r.Kind)
	}
	for _, reason := range refusals {
		to <- prometheus.MustNewConstMetric(refusalsDesc, prometheus.CounterValue, float64(refused[reason]), reason)
	}
	for copies, count := range m.Copies {
		to <- prometheus.MustNewConstMetric(copiesDesc, prometheus.CounterValue, float64(count), string(rune('0'+copies)))
	}
}

func collectSlots(s *node.Status, to chan<- prometheus.Metric) {
	for state, count := range map[string]int{
		"all": s.Slots.Total, "unclaimed": s.Slots.Unclaimed, "short": s.Slots.Short, "dead": s.Slots.Dead, "sole": s.Slots.Sole,
		"reduced": s.Slots.Reduced, "home": s.Slots.Home,
	} {
		to <- sample(slotsDesc, count, state)
	}
	for role, count := range map[string]int{
		"primary": s.Held.Primary, "backup": s.Held.Backup, "learner": s.Held.Learner, "holder": s.Held.Holder,
	} {
		to <- sample(heldDesc, count, role)
	}
}

// memberStates counts the members by state; one may be in several.
func memberStates(s *node.Status) map[string]int {
	states := map[string]int{"alive": len(s.Members), "connected": 0, "draining": 0, "clock_off": 0, "missing": len(s.Missing)}
	for _, m := range s.Members {
		states["connected"] += int(one(m.Connected))
		states["draining"] += int(one(m.Draining))
		states["clock_off"] += int(one(m.ClockOff))
	}
	return states
}

func sample(d *prometheus.Desc, count int, label string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(count), label)
}

func histogram(d *prometheus.Desc, h node.Histogram, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Buckets))
	for _, b := range h.Buckets {
		buckets[b.Max.Seconds()] = b.Count
	}
	return prometheus.MustNewConstHistogram(d, h.Count, h.Sum.Seconds(), buckets, labels...)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
