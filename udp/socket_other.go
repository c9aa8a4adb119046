//go:build !linux

package udp

import "net"

// Adopt returns c.
func Adopt(c *net.UDPConn) net.PacketConn { return c }
