// Package wire carries messages between nodes, and from clients to nodes: keys and certificates, one QUIC endpoint per
// process, connections of several lanes, links that reconnect, and gossip on the same socket.
package wire
