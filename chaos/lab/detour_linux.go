package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// What precedes the payload of a frame on the detour: how far the kernel has got with its checksum (virtio), and the headers of
// Ethernet, IPv4 and UDP.
const (
	virtioBytes   = 10
	frameOverhead = virtioBytes + 14 + 20 + 8
	frameMax      = virtioBytes + 1514 // places do without segmentation offload, so none is longer
)

// detour is how packets get from place to place while the kernel drops them on their way through the bridge: it reads, beside the
// bridge, what places send, and sends what befell it to the cord where it belongs. It owns a goroutine, which close joins.
type detour struct {
	socket *os.File // of the link layer, for all links of the hub
	raw    syscall.RawConn
	done   chan struct{}
}

// openDetour begins to read: each frame goes to carry, with the link that it arrived by. carry must not keep it.
func openDetour(hub netns.NsHandle, carry func(d *detour, index int, frame []byte)) (*detour, error) {
	d := &detour{done: make(chan struct{})}
	err := inside(hub, func() error {
		var err error
		d.socket, err = packetSocket()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: no packet socket: %w", ErrUnsupported, err)
	}
	if d.raw, err = d.socket.SyscallConn(); err != nil {
		return nil, errors.Join(err, d.socket.Close())
	}
	go d.run(carry)
	return d, nil
}

// packetSocket reads all frames that arrive by any link.
func packetSocket() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferBytes),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferBytes),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL)})) // of IP alone it would see none: the bridge takes them before
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "detour"), nil
}

func (d *detour) run(carry func(d *detour, index int, frame []byte)) {
	defer close(d.done)
	frame := make([]byte, frameMax)
	for {
		var n int
		var from unix.Sockaddr
		var err error
		closed := d.raw.Read(func(fd uintptr) bool {
			n, from, err = unix.Recvfrom(int(fd), frame, 0)
			return err != unix.EAGAIN
		})
		if closed != nil {
			return
		}
		if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok {
			carry(d, link.Ifindex, frame[:n])
		}
	}
}

// send puts a frame on a link. One that cannot be sent is lost, as on a cord that is out.
func (d *detour) send(index int, frame []byte) {
	to := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: index}
	_ = d.raw.Write(func(fd uintptr) bool { // fails when it is closed
		return unix.Sendto(int(fd), frame, 0, to) != unix.EAGAIN
	})
}

func (d *detour) close() error {
	err := d.socket.Close()
	<-d.done
	return err
}

func networkOrder(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// destination is the hardware address that a frame is for.
func destination(frame []byte) (mac hardwareAddr) {
	if len(frame) >= frameOverhead {
		copy(mac[:], frame[virtioBytes:])
	}
	return mac
}

type hardwareAddr [6]byte

// enterDetour opens the detour for its first user.
func (n *namespaces) enterDetour() error {
	if n.diverted == 0 {
		var err error
		if n.detour, err = openDetour(n.hub, n.carry); err != nil {
			return err
		}
	}
	n.diverted++
	return nil
}

// leaveDetour closes it after its last one. What is under way still arrives.
func (n *namespaces) leaveDetour() error {
	if n.diverted--; n.diverted > 0 {
		return nil
	}
	return n.detour.close()
}

// carry takes a frame to where it belongs, if its link is diverted.
func (n *namespaces) carry(d *detour, index int, frame []byte) {
	from, known := n.byCord.Load(index)
	to, meant := n.byMAC.Load(destination(frame))
	if !known || !meant {
		return
	}
	link := Link{from.(*namespace).place, to.(*namespace).place}
	if !n.lines.holdsUp(link) {
		return // the kernel passes it on
	}
	n.lines.carry(link, frame, func(frame []byte) { d.send(to.(*namespace).cordIndex, frame) })
}
