// Package admin answers what machines ask of a node over HTTP: whether it is alive, and whether to send it work, and on
// further pages what its caller shows, such as metrics; and shows people a page of the cluster as the node sees it, the console,
// which lives in page/ and is embedded.
//
// [Handler] has the paths, [Listen] opens the listener on loopback or a Unix socket, and elsewhere only with a token or
// certificates, [Serve] bounds what a peer can cost: time, header bytes, connections.
//
// What it does not do: change anything, or show what sessions hold or their whole ids. On loopback, without a token, whoever reaches the
// listener may ask.
package admin
