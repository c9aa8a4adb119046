// Package cache keeps versions of sessions for a client library or a node that asks other nodes for them. It answers nothing
// by itself.
package cache
