package lab

import (
	crand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namePrefix begins the name of every namespace of a lab; after it come the run and, but for the bridge's, the place.
const namePrefix = "sessnode-lab-"

// Inside the namespaces, which have no way out.
const (
	bridgeName = "bridge"
	cordName   = "cord" // a place's end
	nodePort   = 7946
	prefixBits = 24
	numberMax  = 254
)

// placeNet is set aside for tests between machines (RFC 2544), so nobody mistakes its addresses for real ones. It holds 512 nets
// of prefixBits: labs that let this machine in need one each.
var placeNet = netip.AddrFrom4([4]byte{198, 18, 0, 0})

// namespaces is a medium of the Linux kernel: each place is a network namespace, with a cord to a bridge in one more.
type namespaces struct {
	run     string
	journal *journal
	hub     netns.NsHandle  // with the bridge
	links   *netlink.Handle // of the hub
	filter  *filter         // of the hub
	bridge  *netlink.Bridge
	net     netip.Prefix
	made    []string // names of namespaces, the hub's first
	sites   map[string]*namespace

	lines    *lines   // of links that are diverted, and what all damages say about them
	detour   detour   // open while diverted > 0
	diverted int      // damages that the kernel cannot do
	byCord   sync.Map // of *namespace by index of the link in the hub; the detour reads it
	byMAC    sync.Map // of *namespace by hardwareAddr; likewise
}

// NewNamespaced makes a lab of network namespaces. It needs Linux, root, and the kernel's veth, bridge and nf_tables;
// without them the error is ErrUnsupported, and NewSwitched what remains. Nodes listen on their place's own address, beyond
// loopback, and so need a key. The kernel itself does Cut, Pull and Loss; for other kinds of faults packets take a detour through
// this process. It removes first what labs left that were killed, as Clean does. The caller must Close it.
func NewNamespaced() (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: network namespaces need root: use the switch instead", ErrUnsupported)
	}
	if _, err := Clean(); err != nil {
		return nil, fmt.Errorf("clean up after an earlier lab: %w", err)
	}
	n := &namespaces{run: newRun(), hub: netns.None(), net: newNet(), sites: make(map[string]*namespace), lines: newLines(frameOverhead)}
	var err error
	if n.journal, err = openJournal(n.run); err != nil {
		n.lines.close()
		return nil, fmt.Errorf("write down that there is a lab: %w", err)
	}
	if err := n.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: this kernel or container does not do: %w", ErrUnsupported, err), n.close())
	}
	return newLab(n), nil
}

// newRun is a name for a lab: eight hexadecimal digits.
func newRun() string {
	id := make([]byte, 4)
	_, _ = crand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// newNet is one of the nets in placeNet.
func newNet() netip.Prefix {
	at := placeNet.As4()
	at[1] += byte(rand.IntN(2))
	at[2] = byte(rand.IntN(256))
	return netip.PrefixFrom(netip.AddrFrom4(at), prefixBits)
}

// build makes the hub.
func (n *namespaces) build() error {
	var err error
	if n.hub, err = n.namespace(namePrefix + n.run); err != nil {
		return err
	}
	if n.links, err = netlink.NewHandleAt(n.hub); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	quiet := false
	n.bridge = &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: bridgeName}, MulticastSnooping: &quiet}
	if err := n.links.LinkAdd(n.bridge); err != nil {
		return fmt.Errorf("bridge: %w", err)
	}
	if err := n.links.LinkSetUp(n.bridge); err != nil {
		return fmt.Errorf("bridge: %w", err)
	}
	if n.filter, err = openFilter(n.hub); err != nil {
		return fmt.Errorf("nf_tables: %w", err)
	}
	return nil
}

// namespace makes a namespace that has a name. In it IPv6 is off: its own chatter would count as packets that a fault bit.
func (n *namespaces) namespace(name string) (ns netns.NsHandle, err error) {
	ns = netns.None()
	n.made = append(n.made, name)
	err = onThread(func() error {
		var err error
		if ns, err = netns.NewNamed(name); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0) // there may be no IPv6
		_ = os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
		return nil
	})
	return ns, err
}

func (n *namespaces) add(name string) (site, error) {
	number := len(n.made) // the hub has none; one that could not be made keeps its own
	if number >= numberMax {
		return nil, fmt.Errorf("%w: it has no address for another place", ErrFull)
	}
	p := n.newSite(name, number)
	p.endName = cordName
	name = namePrefix + n.run + "-" + name
	var err error
	if p.ns, err = n.namespace(name); err == nil {
		err = n.connect(p)
	}
	if err == nil {
		err = p.wake()
	}
	if err != nil {
		return nil, errors.Join(err, p.close(), removeNamespace(name)) // its cord goes with it
	}
	n.know(p)
	return p, nil
}

// newSite is a place that has nothing but its names yet.
func (n *namespaces) newSite(name string, number int) *namespace {
	at := n.net.Addr().As4()
	at[3] = byte(number)
	return &namespace{place: name, addr: netip.AddrFrom4(at), cord: fmt.Sprintf("place%d", number), journal: n.journal, ns: netns.None()}
}

// know takes a place that is connected in.
func (n *namespaces) know(p *namespace) {
	n.sites[p.place] = p
	n.byMAC.Store(hardwareAddr(p.mac()), p)
	n.byCord.Store(p.cordIndex, p)
}

// connect puts a cord between a place and the bridge. Both its ends are made where they belong.
func (n *namespaces) connect(p *namespace) error {
	cord := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: p.cord, MasterIndex: n.bridge.Index}, PeerName: p.endName,
		PeerNamespace: netlink.NsFd(p.ns)}
	if err := n.links.LinkAdd(cord); err != nil {
		return err
	}
	made, err := n.links.LinkByName(p.cord)
	if err != nil {
		return err
	}
	p.cordIndex = made.Attrs().Index
	if p.links, err = netlink.NewHandleAt(p.ns); err != nil {
		return err
	}
	if err := p.settle(); err != nil {
		return err
	}
	if err := n.teach(made, p); err != nil {
		return err
	}
	if err := n.introduce(p); err != nil {
		return err
	}
	return n.plug(p)
}

// teach tells the bridge for good where a place is. It must not find out by itself: until then it would send to all, and
// faults would count what they drop on the way to where it was not meant for.
func (n *namespaces) teach(cord netlink.Link, p *namespace) error {
	if err := errors.Join(n.links.LinkSetFlood(cord, false), n.links.LinkSetLearning(cord, false)); err != nil {
		return err
	}
	return n.links.NeighAdd(&netlink.Neigh{LinkIndex: cord.Attrs().Index, Family: unix.AF_BRIDGE, State: netlink.NUD_NOARP,
		Flags: netlink.NTF_MASTER, HardwareAddr: p.mac()})
}

// plug sets a cord up, and waits until packets pass: the kernel gets both ends ready a moment later.
func (n *namespaces) plug(p *namespace) error {
	cord, err := n.links.LinkByName(p.cord)
	if err != nil {
		return err
	}
	if err := n.links.LinkSetUp(cord); err != nil {
		return err
	}
	return errors.Join(awaitUp(n.links, p.cord), awaitUp(p.links, p.endName))
}

func (n *namespaces) unplug(p *namespace) error {
	cord, err := n.links.LinkByName(p.cord)
	if err != nil {
		return err
	}
	return n.links.LinkSetDown(cord)
}

// upLimit is how long the kernel may take to get a link ready.
const upLimit = 10 * time.Second

func awaitUp(links *netlink.Handle, name string) error {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for until := time.Now().Add(upLimit); ; <-look.C {
		link, err := links.LinkByName(name)
		switch {
		case err != nil:
			return err
		case link.Attrs().OperState == netlink.OperUp:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("link %s is %v, not up, after %v", name, link.Attrs().OperState, upLimit)
		}
	}
}

// introduce tells a new place and all others each other's hardware addresses, so that they never ask: a fault would drop the
// question, and the packet, neither sent nor counted, would arrive after it.
func (n *namespaces) introduce(p *namespace) error {
	for _, other := range n.sites {
		if err := errors.Join(p.meet(other), other.meet(p)); err != nil {
			return err
		}
	}
	return nil
}

// close removes everything, as far as it was made. Processes that still run in the namespaces are killed.
func (n *namespaces) close() error {
	errs := []error{kill(n.journal.processes())}
	n.lines.close() // no more is sent on the detour but by its own goroutine
	errs = append(errs, n.detour.close())
	for _, p := range n.sites {
		errs = append(errs, p.close())
	}
	if n.filter != nil {
		errs = append(errs, n.filter.close())
	}
	if n.links != nil {
		errs = append(errs, n.cutCords())
		n.links.Close()
	}
	if n.hub.IsOpen() {
		errs = append(errs, n.hub.Close())
	}
	for _, name := range n.made {
		errs = append(errs, removeNamespace(name))
	}
	errs = append(errs, n.journal.remove())
	return errors.Join(errs...)
}

// cutCords removes the links at once; the kernel would, some time after the last file or process lets go of the hub.
func (n *namespaces) cutCords() error {
	links, err := n.links.LinkList()
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Name, "place") || l.Attrs().Name == bridgeName {
			errs = append(errs, n.links.LinkDel(l))
		}
	}
	return errors.Join(errs...)
}
