// Command sessnode runs a node of a replicated session store, and looks into a cluster of them.
//
//	sessnode serve                           a cluster of one node, on loopback
//	sessnode serve -bind :7946 -join 10.0.0.1:7946 -key-file cluster.key
//	                                         another node of a cluster
//	sessnode status                          who is there and who holds what
//	sessnode members, slots, top             the same by the word of every member
//	sessnode demo                            three nodes, two application servers, and a page to kill nodes from
//
// Each command stands in a file of its own; main.go finds the command, explain.go names the flag that mends an error of a
// node or client, exit.go turns it into one line and a code. Where serve remembers members is in statedir.go.
// The demo is demo.go (what it starts), processes.go (how), front.go (the page's way in) and once.go (the unattended
// check). The application that it starts is shop.go, which is also the example of a handler that keeps its state in a
// session.
package main
