// Package metrics shows what a node and a client count to Prometheus.
//
// [NewNode] and [NewClient] are collectors for a registry of yours; [Handler] answers a scrape with a node's metrics and those
// of the Go runtime and the process. Nothing is counted here: each scrape asks for a snapshot.
package metrics
