package lab

import (
	"net"

	"github.com/sessnode/sessnode/child"
)

// Place is where processes and sockets live: a host, as far as the network goes. It lives as long as its lab.
type Place struct {
	name string
	site site
}

// Name is the place's name.
func (p *Place) Name() string { return p.name }

// Listen is the host:port that a node in the place must listen on (serve -bind).
func (p *Place) Listen() string { return p.site.listen() }

// Addr is the host:port at which nodes and clients in every place reach the node that listens on Listen (serve -advertise
// and -join).
func (p *Place) Addr() string { return p.site.advertise() }

// House makes a process that has not been started yet live in the place: whenever it is started, that happens here. A process
// that another lab or place houses, or that has surroundings of its own, must not be given.
func (p *Place) House(c *child.Process) { c.Within = p.site.within }

// Open opens a UDP socket of this very process in the place: on Listen's address, for a node, or with "" on any port, for a
// client. It suits client.Config.PacketConn and node.Config.PacketConn, which see to its end; else the caller must Close it.
func (p *Place) Open(addr string) (net.PacketConn, error) { return p.site.open(addr) }
