package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// namespace is a place.
type namespace struct {
	place     string
	addr      netip.Addr
	cord      string // the switch's side, a link of the hub
	cordIndex int
	endName   string
	end       netlink.Link // the place's side
	links     *netlink.Handle
	journal   *journal
	pulls     int // how often the cord is out; only the lab changes it, one change at a time

	mu     sync.RWMutex // guards ns against its end; held while something enters it
	ns     netns.NsHandle
	closed bool
}

// settle gives the place's end of the cord its address, and sets it up.
func (p *namespace) settle() error {
	var err error
	if p.end, err = p.links.LinkByName(p.endName); err != nil {
		return err
	}
	ip := &netlink.Addr{IPNet: &net.IPNet{IP: p.addr.AsSlice(), Mask: net.CIDRMask(prefixBits, 32)}}
	if err := p.links.AddrAdd(p.end, ip); err != nil {
		return err
	}
	// Without segmentation offload each datagram is a packet of its own, for faults and their counters.
	if err := p.links.LinkSetGSOMaxSegs(p.end, 1); err != nil {
		return err
	}
	return p.links.LinkSetUp(p.end)
}

// wake sets loopback up.
func (p *namespace) wake() error {
	lo, err := p.links.LinkByName("lo")
	if err != nil {
		return err
	}
	return p.links.LinkSetUp(lo)
}

// mac is the place's hardware address.
func (p *namespace) mac() net.HardwareAddr { return p.end.Attrs().HardwareAddr }

// meet tells the place another one's hardware address for good.
func (p *namespace) meet(other *namespace) error {
	return p.links.NeighAdd(&netlink.Neigh{LinkIndex: p.end.Attrs().Index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT,
		IP: other.addr.AsSlice(), HardwareAddr: other.mac()})
}

func (p *namespace) listen() string    { return netip.AddrPortFrom(p.addr, nodePort).String() }
func (p *namespace) advertise() string { return p.listen() }

// within starts a process in the namespace, and writes it down.
func (p *namespace) within(start func() (int, error)) error {
	return p.enter(func() error {
		pid, err := start()
		if err != nil {
			return err
		}
		return p.journal.note(pid)
	})
}

func (p *namespace) open(addr string) (conn net.PacketConn, err error) {
	switch addr {
	case "":
		addr = netip.AddrPortFrom(p.addr, 0).String()
	case p.listen():
	default:
		return nil, fmt.Errorf("%w: open %s: choose %s, or nothing for any port", ErrPlace, addr, p.listen())
	}
	err = p.enter(func() error {
		var err error
		conn, err = new(net.ListenConfig).ListenPacket(context.Background(), "udp4", addr)
		return err
	})
	return conn, err
}

// enter calls do in the namespace.
func (p *namespace) enter(do func() error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		return ErrClosed
	}
	return inside(p.ns, do)
}

func (p *namespace) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.links != nil {
		p.links.Close()
	}
	if !p.ns.IsOpen() {
		return nil
	}
	return p.ns.Close()
}
