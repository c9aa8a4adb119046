package lab

import "net"

// medium is a network as Lab sees it: it carries packets between places, and does to them what faults say. Lab makes one
// call at a time, checks names and damages before, and calls nothing after close.
type medium interface {
	// add makes a place, named as no other.
	add(name string) (site, error)
	// begin does the damage. ErrUnsupported: this network cannot.
	begin(d Damage) (wound, error)
	// end undoes damages, all in one step.
	end(wounds []wound) error
	// admit makes the place Strangers, if there is none, for all processes of this machine.
	admit() error
	close() error
}

// site is a place as its medium knows it. Its methods may be called from any goroutine.
type site interface {
	listen() string    // where a node binds
	advertise() string // where all others reach that node
	open(addr string) (net.PacketConn, error)
	within(start func() (pid int, err error)) error
}

// wound is a damage that has been done. Its method may be called from any goroutine, until it has ended.
type wound interface {
	bites() ([]Bite, error) // one for each link, in their order
}
