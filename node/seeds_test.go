package node_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

// names is a DNS of tests: addresses by host, separated by blanks, and hosts by SRV name.
type names struct {
	mu    sync.Mutex // guards the rest
	hosts map[string]string
	srv   map[string]string // targets, each host:port of 7946
	asked int
}

func (d *names) set(host, addresses string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts[host] = addresses
}

func (d *names) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

var errNoName = errors.New("no such host")

// LookupNetIP implements node.Names.
func (d *names) LookupNetIP(_ context.Context, _, host string) (all []netip.Addr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	for _, a := range strings.Fields(d.hosts[host]) {
		all = append(all, netip.MustParseAddr(a))
	}
	if len(all) == 0 {
		return nil, errNoName
	}
	return all, nil
}

// LookupSRV implements node.Names.
func (d *names) LookupSRV(_ context.Context, _, _, name string) (_ string, all []*net.SRV, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range strings.Fields(d.srv[name]) {
		all = append(all, &net.SRV{Target: h + ".", Port: 7946})
	}
	if len(all) == 0 {
		return "", nil, errNoName
	}
	return name, all, nil
}

// Nodes that know each other by one name, or by SRV records, found a cluster, though the name stands for nobody at first.
func TestSeedsByName(t *testing.T) {
	for _, join := range []string{"all.test:7946", "srv+_sessnode._udp.test"} {
		dns := &names{hosts: map[string]string{}, srv: map[string]string{"_sessnode._udp.test": "one.test two.test"}}
		runCluster(t, 3, func(c *node.Config) { c.Join, c.Expect, c.Names = []string{join}, 3, dns }, func(c *cluster) {
			time.Sleep(3 * time.Second)
			if why := c.unsettled(); why == "" {
				t.Fatal("a cluster without addresses")
			}
			dns.set("one.test", "10.0.0.1 fd00::1")
			dns.set("two.test", "10.0.0.2 10.0.0.3")
			dns.set("all.test", "10.0.0.1 10.0.0.2 10.0.0.3")
			c.wait(20 * time.Second)
		})
	}
}

// While a member is missing its name is looked up again, and where it stands for another address that is looked for; while
// nobody is missing nobody asks.
func TestNamesAreFollowed(t *testing.T) {
	dns := &names{hosts: map[string]string{"one.test": "10.0.0.1", "two.test": "10.0.0.2"}}
	join := []string{"one.test:7946", "two.test:7946"}
	runCluster(t, 2, func(c *node.Config) { c.Join, c.Expect, c.Names = join, 0, dns }, func(c *cluster) {
		c.wait(20 * time.Second)
		time.Sleep(5 * time.Second)
		before := dns.count()
		time.Sleep(time.Minute)
		if after := dns.count(); after != before {
			t.Errorf("%d look-ups while all are there", after-before)
		}
		c.kill(1)
		dns.set("two.test", "10.0.0.9")
		time.Sleep(10 * time.Second)
		if got := c.nodes[0].node.Seeking(); !slices.Contains(got, "10.0.0.9:7946") {
			t.Errorf("looks for %v", got)
		}
		if after := dns.count(); after-before < 4 || after-before > 40 {
			t.Errorf("%d look-ups in ten seconds with a member missing", after-before)
		}
	})
}

// Who founds the cluster must be known: a name counts as one node, this node's own as none, and one that stands for several is
// refused unless the number is told.
func TestNamesDoNotCountNodes(t *testing.T) {
	dns := &names{hosts: map[string]string{"own.test": "127.0.0.1", "many.test": "127.0.0.2 127.0.0.3", "dual.test": "127.0.0.2 ::1"}}
	for _, tt := range []struct {
		join   string
		expect int
		want   string // part of the error
	}{
		{"many.test:1", 0, "stands for 2 nodes: say with expect"}, {"many.test:1", 3, ""}, {"dual.test:1", 0, ""}, {"nobody.test:1", 0, ""},
		{"srv+_x._udp.test", 0, "any number of nodes: say with expect"}, {"srv+_x._udp.test", 2, ""},
		{"srv+", 2, "write the name of SRV records"}, {"srv+_x._udp.test:7", 2, "write the name of SRV records"},
	} {
		n, err := node.New(node.Config{Listen: "127.0.0.1:0", Join: []string{tt.join}, Expect: tt.expect, Names: dns, Slots: 4, Log: logger(t)})
		if n != nil {
			_ = n.Close()
		}
		if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || !errors.Is(err, node.ErrConfig)) {
			t.Errorf("%s expecting %d: %v, want %q", tt.join, tt.expect, err, tt.want)
		}
	}
}
