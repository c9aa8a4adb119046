package child

import (
	"fmt"
	"net"
)

// FreeAddrs is that many different addresses on loopback whose ports nobody listens on at this moment, by UDP or by TCP: a
// node takes both.
func FreeAddrs(count int) ([]string, error) {
	var addrs []string
	for tries := 0; len(addrs) < count && tries < 100+count; tries++ {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer udp.Close() // only at the end, so that no port is given twice
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err != nil {
			continue // taken
		}
		defer tcp.Close()
		addrs = append(addrs, udp.LocalAddr().String())
	}
	if len(addrs) < count {
		return nil, fmt.Errorf("find a free port: of 100 none was free for UDP and TCP")
	}
	return addrs, nil
}
