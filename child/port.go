package child

import (
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"sync"
)

// The ports given lie below those that Linux, macOS and Windows give by default to sockets that ask for any: such a socket would
// take one between the choice and its use, or while the node it belongs to is dead.
const (
	portFirst = 20000
	portCount = 12000
	portTries = 1000 // for one address
)

// reserved are the ports this process has given, each with the mark that keeps other processes from it.
var reserved = struct {
	mu    sync.Mutex
	marks map[int]net.Listener
}{marks: make(map[int]net.Listener)}

// FreeAddrs is that many different addresses on loopback whose ports nobody listens on at this moment, by UDP or by TCP: a
// node takes both. They are this process's, and its children's, until it ends: FreeAddrs gives none of them again, nor does
// it to another process on Linux, and sockets that ask for any port get others.
func FreeAddrs(count int) ([]string, error) {
	var addrs []string
	for range count {
		addr, err := freeAddr()
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

func freeAddr() (string, error) {
	for range portTries {
		port := portFirst + rand.IntN(portCount)
		if addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port)); isFree(addr) && reserve(port) {
			return addr, nil
		}
	}
	return "", fmt.Errorf("find a free port: of %d from %d on none was free for UDP and TCP", portTries, portFirst)
}

func isFree(addr string) bool {
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		return false
	}
	defer udp.Close()
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	return tcp.Close() == nil
}

// reserve marks a port as given and reports whether it was not before. The mark is a socket whose name is no file; its network
// namespace is that of the port, and it is gone with this process, however that ends.
func reserve(port int) bool {
	reserved.mu.Lock()
	defer reserved.mu.Unlock()
	if _, given := reserved.marks[port]; given {
		return false
	}
	var mark net.Listener
	if runtime.GOOS == "linux" {
		var err error
		if mark, err = net.Listen("unix", "@sessnode/port/"+strconv.Itoa(port)); err != nil {
			return false // another process's
		}
	}
	reserved.marks[port] = mark
	return true
}
