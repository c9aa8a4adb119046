package main

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/sessnode/sessnode/node"
)

// anywhere is an address of the documentation range, which no packet is sent to: asking for the way there tells the
// machine's usual address.
const anywhere = "192.0.2.1:9"

// reachable is the address that others should use for a node that listens on all addresses: the one from which the machine
// reaches its first seed. Empty for a node that listens on one address only.
func reachable(bind string, join []string) (string, error) {
	host, port, err := net.SplitHostPort(bind)
	if err != nil {
		return "", nil // node.New says what is wrong with it
	}
	if ip, err := netip.ParseAddr(host); host != "" && (err != nil || !ip.IsUnspecified()) {
		return "", nil
	}
	if port == "0" {
		return "", configError{fmt.Errorf("-bind %s leaves open where others reach this node: give a port, or -advertise", bind)}
	}
	toward := anywhere
	if len(join) > 0 && !strings.HasPrefix(join[0], node.SRVPrefix) {
		toward = join[0]
	}
	conn, err := net.Dial("udp", toward)
	if err != nil {
		return "", configError{fmt.Errorf("-bind %s leaves open where others reach this node: give -advertise (%w)", bind, err)}
	}
	defer conn.Close()
	local, _, err := net.SplitHostPort(conn.LocalAddr().String())
	return net.JoinHostPort(local, port), err
}
