// Package load makes requests for sessions, the same ones whatever product keeps them, and takes their time.
//
// A generator is a process of its own; several share the work. Which version of which session is the newest stands on a
// [Board], a file that all of them map into memory: each request asks there what it must read, and writes there what was
// acknowledged, so that every answer is checked at the cost of two atomic operations. By the same board generators take
// turns: with [Alternate] no process makes two requests in a row for one session.
//
// It owns the goroutines of its callers, gone when a run has finished. It does not know the products, see [Product], and
// starts no process.
package load
