// Package admin answers what machines ask of a node over HTTP: whether it is alive, and whether to send it work,
// and on further pages what its caller shows, such as metrics.
//
// [Handler] has the paths, [Listen] opens the listener on loopback or a Unix socket and nowhere else, [Serve] bounds what
// a peer can cost: time, header bytes, connections.
//
// What it does not do: change anything, show sessions, or authenticate. Whoever reaches the listener may ask.
package admin
