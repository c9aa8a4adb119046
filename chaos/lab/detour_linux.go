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
	in   *packetSocket // while a damage needs it
	out  *packetSocket // from the first one on, for what is under way when the last one ends
	done chan struct{}
}

// packetSocket is a socket of the link layer, for all links of the hub.
type packetSocket struct {
	file *os.File
	raw  syscall.RawConn
}

// open begins to read: each frame goes to carry, with the link that it arrived by. carry must not keep it.
func (d *detour) open(hub netns.NsHandle, carry func(index int, frame []byte)) error {
	err := inside(hub, func() error {
		var err error
		if d.out == nil {
			d.out, err = openPacketSocket(0)
		}
		if err == nil {
			// Of IP alone it would read nothing: the bridge takes that before.
			d.in, err = openPacketSocket(unix.ETH_P_ALL)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: no packet socket: %w", ErrUnsupported, err)
	}
	d.done = make(chan struct{})
	go d.run(carry)
	return nil
}

// openPacketSocket opens a socket that reads the frames of a protocol that arrive by any link; of 0 none.
func openPacketSocket(protocol uint16) (*packetSocket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bufferBytes),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, bufferBytes),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(protocol)}))
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s := &packetSocket{file: os.NewFile(uintptr(fd), "detour")}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

func (d *detour) run(carry func(index int, frame []byte)) {
	defer close(d.done)
	frame := make([]byte, frameMax)
	for {
		var n int
		var from unix.Sockaddr
		var err error
		closed := d.in.raw.Read(func(fd uintptr) bool {
			n, from, err = unix.Recvfrom(int(fd), frame, 0)
			return err != unix.EAGAIN
		})
		if closed != nil {
			return
		}
		if link, ok := from.(*unix.SockaddrLinklayer); err == nil && ok {
			carry(link.Ifindex, frame[:n])
		}
	}
}

// send puts a frame on a link. One that cannot be sent is lost, as on a cord that is out.
func (d *detour) send(index int, frame []byte) {
	to := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_IP), Ifindex: index}
	_ = d.out.raw.Write(func(fd uintptr) bool { // fails when it is closed
		return unix.Sendto(int(fd), frame, 0, to) != unix.EAGAIN
	})
}

// pause ends reading, until open.
func (d *detour) pause() error {
	err := d.in.file.Close()
	<-d.done
	d.in = nil
	return err
}

// close ends everything. Nobody must send afterwards.
func (d *detour) close() error {
	var errs []error
	if d.in != nil {
		errs = append(errs, d.pause())
	}
	if d.out != nil {
		errs = append(errs, d.out.file.Close())
	}
	return errors.Join(errs...)
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
		if err := n.detour.open(n.hub, n.carry); err != nil {
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
	return n.detour.pause()
}

// carry takes a frame to where it belongs, if its link is diverted.
func (n *namespaces) carry(index int, frame []byte) {
	from, known := n.byCord.Load(index)
	to, meant := n.byMAC.Load(destination(frame))
	if !known || !meant {
		return
	}
	link := Link{from.(*namespace).place, to.(*namespace).place}
	if !n.lines.holdsUp(link) {
		return // the kernel passes it on
	}
	n.lines.carry(link, frame, func(frame []byte) { n.detour.send(to.(*namespace).cordIndex, frame) })
}
