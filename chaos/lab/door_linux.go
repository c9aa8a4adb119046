package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// doorPrefix begins the name of this machine's end of the cord to a lab's bridge; after it comes the run.
const doorPrefix = "sess-"

// admit puts a cord between the bridge and the network namespace of this process.
func (n *namespaces) admit() error {
	p := n.newSite(Strangers, numberMax)
	p.endName = doorPrefix + n.run
	var err error
	if p.ns, err = netns.Get(); err != nil {
		return err
	}
	if err = n.collides(); err == nil {
		err = n.connect(p)
	}
	if err != nil {
		if door, missing := netlink.LinkByName(p.endName); missing == nil {
			err = errors.Join(err, removeDoor(door))
		}
		return errors.Join(err, p.close())
	}
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+p.endName+"/disable_ipv6", []byte("1"), 0) // as in places
	n.know(p)
	return nil
}

// collides says why the lab's addresses cannot be this machine's.
func (n *namespaces) collides() error {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r.Dst == nil {
			continue
		}
		bits, _ := r.Dst.Mask.Size()
		addr, _ := netip.AddrFromSlice(r.Dst.IP.To4())
		if bits > 0 && netip.PrefixFrom(addr, bits).Overlaps(n.net) {
			return fmt.Errorf("%w: there is a route to %v, and the lab would use %v: try again, it draws another net", ErrUnsupported, r.Dst, n.net)
		}
	}
	return nil
}

// doors are the ends of cords to labs in the network namespace of this process.
func doors() []netlink.Link {
	links, err := netlink.LinkList()
	if err != nil {
		return nil // they go with the namespace at their other end
	}
	var found []netlink.Link
	for _, l := range links {
		if _, isCord := l.(*netlink.Veth); isCord && strings.HasPrefix(l.Attrs().Name, doorPrefix) {
			found = append(found, l)
		}
	}
	return found
}

// removeDoor removes a link, unless the kernel has just done so.
func removeDoor(l netlink.Link) error {
	err := netlink.LinkDel(l)
	if errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}
