package child

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
)

func TestAddressesAreGivenOnce(t *testing.T) {
	const count = 100
	given := make(map[string]bool)
	for range 2 {
		addrs, err := FreeAddrs(count)
		if err != nil {
			t.Fatal(err)
		}
		for _, addr := range addrs {
			given[addr] = true
		}
	}
	if len(given) != 2*count {
		t.Errorf("%d addresses among %d", len(given), 2*count)
	}
}

func TestNobodyElseIsGivenAnAddress(t *testing.T) {
	addrs, err := FreeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	port := netip.MustParseAddrPort(addrs[0]).Port()
	any, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer any.Close()
	if other := any.LocalAddr().(*net.UDPAddr).Port; other < portFirst+portCount {
		t.Errorf("a socket that asked for any port got %d, those given are below %d", other, portFirst+portCount)
	}
	if runtime.GOOS != "linux" {
		t.Skip("other processes are kept from an address on Linux alone")
	}
	out, err := exec.Command(os.Args[0], "reserve", strconv.Itoa(int(port))).CombinedOutput()
	if err != nil || string(out) != "false" {
		t.Errorf("another process took port %d: %s, %v", port, out, err)
	}
}
