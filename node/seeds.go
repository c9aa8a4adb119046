package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SRVPrefix begins an element of Config.Join that names SRV records: srv+_sessnode._udp.example.org.
const SRVPrefix = "srv+"

// Names looks up what the names in Config.Join stand for. *net.Resolver is one.
type Names interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

const (
	// lookUpFor is how long all names may take to be looked up; those that take longer are looked up again.
	lookUpFor = 2 * time.Second
	// addressesMax bounds the addresses that all names together stand for; more are not looked for.
	addressesMax = 1024
)

// isNumeric reports whether an address needs no look-up.
func isNumeric(addr string) bool {
	_, err := netip.ParseAddrPort(addr)
	return err == nil
}

// lookUp turns addresses, names among them, into numeric ones: all addresses of each name, each once. The error joins what
// could not be looked up, and does not keep the rest back.
func (n *Node) lookUp(ctx context.Context, seeds []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpFor)
	defer cancel()
	var all []string
	var errs []error
	for _, seed := range seeds {
		found, err := lookUpOne(ctx, n.cfg.Names, seed)
		all, errs = append(all, found...), append(errs, err)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), addressesMax)], errors.Join(errs...)
}

func lookUpOne(ctx context.Context, names Names, seed string) ([]string, error) {
	if isNumeric(seed) {
		return []string{seed}, nil
	}
	service, ok := strings.CutPrefix(seed, SRVPrefix)
	if !ok {
		host, port, err := net.SplitHostPort(seed)
		if err != nil {
			return nil, err
		}
		return lookUpHost(ctx, names, host, port)
	}
	_, records, err := names.LookupSRV(ctx, "", "", service)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", seed, err)
	}
	var all []string
	var errs []error
	for _, r := range records {
		found, err := lookUpHost(ctx, names, strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port)))
		all, errs = append(all, found...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func lookUpHost(ctx context.Context, names Names, host, port string) ([]string, error) {
	ips, err := names.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", host, err)
	}
	var all []string
	for _, ip := range ips {
		all = append(all, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return all, nil
}

// numeric are the addresses that need no look-up, in a list of its own.
func numeric(addrs []string) []string {
	return slices.DeleteFunc(slices.Clone(addrs), func(a string) bool { return !isNumeric(a) })
}

// followNames looks the names in Join up again. What cannot be looked up now stands for what it stood for before.
func (n *Node) followNames(ctx context.Context) error {
	if len(numeric(n.cfg.Join)) == len(n.cfg.Join) {
		return nil
	}
	found, err := n.lookUp(ctx, n.cfg.Join)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		found = append(found, n.resolved...)
		slices.Sort(found)
		found = slices.Compact(found)
		found = found[:min(len(found), addressesMax)]
	}
	n.resolved = found
	return err
}

// others counts the other nodes that Join lists, to tell how many must meet. A name counts as one, unless it stands for this
// node; one that stands for several nodes cannot be counted, since tomorrow it may stand for more.
func (n *Node) others(seeds []string) (int, error) {
	count := 0
	for _, seed := range seeds {
		if isNumeric(seed) || strings.HasPrefix(seed, SRVPrefix) {
			count++
			continue
		}
		found, _ := n.lookUp(n.ctx, []string{seed}) // one that cannot be looked up yet is another node
		if several := max(families(found)); several > 1 && n.cfg.Expect == 0 && n.remembered == 0 {
			return 0, fmt.Errorf("%w: %s stands for %d nodes: say with expect how many found the cluster", ErrConfig, seed, several)
		}
		if !slices.ContainsFunc(found, n.isOwn) {
			count++
		}
	}
	return count, nil
}

// families counts the addresses of both sorts: a machine may have one of each.
func families(addrs []string) (v4, v6 int) {
	for _, a := range addrs {
		if at, err := netip.ParseAddrPort(a); err == nil && at.Addr().Is4() {
			v4++
		} else {
			v6++
		}
	}
	return v4, v6
}

// isOwn reports whether an address is this node's.
func (n *Node) isOwn(addr string) bool {
	return addr == n.self.Addr || addr == n.endpoint.Addr().String()
}
