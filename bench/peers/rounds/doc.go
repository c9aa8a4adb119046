// Package rounds has the products do the same work in turn, A B A B, and measures.
//
// In each round each product gets new servers and new generators, its sessions are made, every workload is run on them, and
// then the values and copies are verified. It owns the generators' processes, through package child, and the servers of a
// [stand.Stand]; all are dead when a round of a product is over, whatever ended it.
package rounds
