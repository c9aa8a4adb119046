package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sessnode/sessnode/client"
)

// NewClient is a collector of a client's metrics, for a registry of the application. A process with several clients labels
// them with prometheus.WrapRegistererWith.
func NewClient(c *client.Client) prometheus.Collector { return clientCollector{c} }

type clientCollector struct{ client *client.Client }

var (
	clientTookDesc     = describe("client_request_duration_seconds", "From a request to its answer or error, retries and pauses included.")
	clientRetriesDesc  = describe("client_retries_total", "Times that a request was sent again.")
	clientSilentDesc   = describe("client_unanswered_requests_total", "Requests that ended without a final answer.")
	clientLoadsDesc    = describe("client_cache_loads_total", "Loads, by what travelled: nothing, what had changed, or the whole session.", "result")
	clientSessionsDesc = describe("client_cache_sessions", "Sessions kept.")
	clientBytesDesc    = describe("client_cache_bytes", "Bytes of the sessions kept, about.")
)

// Describe implements prometheus.Collector.
func (c clientCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		clientTookDesc, clientRetriesDesc, clientSilentDesc, clientLoadsDesc, clientSessionsDesc, clientBytesDesc,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (c clientCollector) Collect(to chan<- prometheus.Metric) {
	took, s := c.client.Latency(), c.client.Stats()
	buckets := make(map[float64]uint64, len(took.Buckets))
	for _, b := range took.Buckets {
		buckets[b.Max.Seconds()] = b.Count
	}
	to <- prometheus.MustNewConstHistogram(clientTookDesc, took.Count, took.Sum.Seconds(), buckets)
	to <- prometheus.MustNewConstMetric(clientRetriesDesc, prometheus.CounterValue, float64(s.Retries))
	to <- prometheus.MustNewConstMetric(clientSilentDesc, prometheus.CounterValue, float64(s.Unanswered))
	to <- prometheus.MustNewConstMetric(clientLoadsDesc, prometheus.CounterValue, float64(s.CacheHits), "unchanged")
	to <- prometheus.MustNewConstMetric(clientLoadsDesc, prometheus.CounterValue, float64(s.CacheUpdates), "changed")
	to <- prometheus.MustNewConstMetric(clientLoadsDesc, prometheus.CounterValue, float64(s.CacheMisses), "whole")
	to <- prometheus.MustNewConstMetric(clientSessionsDesc, prometheus.GaugeValue, float64(s.CacheSessions))
	to <- prometheus.MustNewConstMetric(clientBytesDesc, prometheus.GaugeValue, float64(s.CacheBytes))
}
