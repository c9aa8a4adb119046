package child

import (
	"fmt"
	"io"
	"net"
)

// FreeUDP is that many different UDP addresses on loopback that nobody listens on at this moment.
func FreeUDP(count int) ([]string, error) {
	return free(count, func() (io.Closer, net.Addr, error) {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		return socket, socket.LocalAddr(), nil
	})
}

// FreeTCP is FreeUDP for TCP.
func FreeTCP(count int) ([]string, error) {
	return free(count, func() (io.Closer, net.Addr, error) {
		socket, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		return socket, socket.Addr(), nil
	})
}

func free(count int, listen func() (io.Closer, net.Addr, error)) ([]string, error) {
	var addrs []string
	for range count {
		socket, addr, err := listen()
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer socket.Close() // only at the end, so that no port is given twice
		addrs = append(addrs, addr.String())
	}
	return addrs, nil
}
