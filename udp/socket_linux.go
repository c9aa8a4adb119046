package udp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// Adopt returns a socket in place of c, which it closes; or c itself, where the kernel refuses what that takes. What reads may
// be called from one goroutine at a time, everything else from any.
func Adopt(c *net.UDPConn) net.PacketConn {
	s, err := adopt(c)
	if err != nil {
		return c
	}
	_ = c.Close() // the socket stays, under another descriptor
	return s
}

func adopt(c *net.UDPConn) (*socket, error) {
	fd, err := duplicate(c)
	if err != nil {
		return nil, err
	}
	family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return nil, errors.Join(os.NewSyscallError("getsockopt", err), unix.Close(fd))
	}
	arrivals, err := watch(fd)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	s := &socket{fd: fd, family: family, local: c.LocalAddr(), arrivals: arrivals, in: newIncoming()}
	if s.arrived, err = arrivals.SyscallConn(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.in.try = s.receive
	return s, nil
}

// duplicate is another descriptor of a socket, which the runtime's poller does not know of.
func duplicate(c *net.UDPConn) (fd int, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var errno error
	err = raw.Control(func(old uintptr) { fd, errno = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, os.NewSyscallError("fcntl", errno))
}

// watch is a file that the runtime's poller takes for readable when something has arrived at a socket, and never for writable.
func watch(fd int) (*os.File, error) {
	poller, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.EpollCtl(poller, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN}); err != nil {
		return nil, errors.Join(os.NewSyscallError("epoll_ctl", err), unix.Close(poller))
	}
	if err := unix.SetNonblock(poller, true); err != nil { // os.NewFile gives no others to the poller
		return nil, errors.Join(os.NewSyscallError("fcntl", err), unix.Close(poller))
	}
	arrivals := os.NewFile(uintptr(poller), "arrivals")
	if err := arrivals.SetDeadline(time.Time{}); err != nil { // then it is not in the poller
		return nil, errors.Join(err, arrivals.Close())
	}
	return arrivals, nil
}

type socket struct {
	fd       int
	family   int // AF_INET or AF_INET6
	local    net.Addr
	arrivals *os.File        // see watch
	arrived  syscall.RawConn // of arrivals: its Read waits for one

	mu     sync.RWMutex // held for reading while fd is used, but by the reader, who holds arrivals; guards closed
	closed bool

	in incoming
}

// incoming is what the reader works with, and nobody else.
type incoming struct {
	try     func(uintptr) bool // the socket's receive, made once
	headers [batchMax]header
	parts   [batchMax]unix.Iovec
	names   [batchMax]unix.RawSockaddrInet6
	want    int // of headers
	got     int
	errno   syscall.Errno
	senders map[netip.AddrPort]*net.UDPAddr // that need not be made again
}

// header is struct mmsghdr.
type header struct {
	unix.Msghdr
	length uint32
}

const (
	batchMax   = 8 // quic-go asks for no more
	sendersMax = 4096
)

func newIncoming() incoming { return incoming{senders: make(map[netip.AddrPort]*net.UDPAddr)} }

// ReadBatch waits until something has arrived and puts it into messages of one buffer each; it returns how many there were.
func (s *socket) ReadBatch(messages []ipv4.Message, _ int) (int, error) {
	s.in.prepare(messages)
	err := s.arrived.Read(s.in.try)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, err
	case err != nil:
		return 0, net.ErrClosed
	case s.in.errno != 0:
		return 0, s.failed("read", nil, os.NewSyscallError("recvmmsg", s.in.errno))
	}
	s.in.deliver(messages)
	return s.in.got, nil
}

func (in *incoming) prepare(messages []ipv4.Message) {
	in.want = min(len(messages), batchMax)
	for i := range in.want {
		m, h := &messages[i], &in.headers[i]
		in.parts[i].Base = unsafe.SliceData(m.Buffers[0])
		in.parts[i].SetLen(len(m.Buffers[0]))
		h.Iov = &in.parts[i]
		h.SetIovlen(1)
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&in.names[i])), unix.SizeofSockaddrInet6
		h.Control = unsafe.SliceData(m.OOB)
		h.SetControllen(len(m.OOB))
	}
}

// receive takes what has arrived, and is false if that is nothing.
func (s *socket) receive(uintptr) bool {
	n, errno := uintptr(0), syscall.Errno(unix.EINTR)
	for errno == unix.EINTR {
		n, _, errno = syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in.headers[0])),
			uintptr(s.in.want), unix.MSG_DONTWAIT, 0, 0)
	}
	s.in.got, s.in.errno = int(n), errno
	return errno != unix.EAGAIN
}

func (in *incoming) deliver(messages []ipv4.Message) {
	for i := range in.got {
		m, h := &messages[i], &in.headers[i]
		m.N, m.NN, m.Flags = int(h.length), int(h.Controllen), int(h.Flags)
		m.Addr = in.sender(addressOf(&in.names[i]))
	}
}

// sender is an address as net has it. Those who send much have theirs made once.
func (in *incoming) sender(from netip.AddrPort) *net.UDPAddr {
	a, known := in.senders[from]
	if !known {
		if len(in.senders) == sendersMax {
			clear(in.senders)
		}
		a = net.UDPAddrFromAddrPort(from)
		in.senders[from] = a
	}
	return a
}

func addressOf(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := binary.BigEndian.Uint16(portOf(&name.Port)) // in the same place with IPv4
	if name.Family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(four.Addr), port)
	}
	ip := netip.AddrFrom16(name.Addr)
	if name.Scope_id != 0 {
		ip = ip.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(ip, port)
}

// portOf is where a port lies in a socket address, in the order of bytes of the network.
func portOf(port *uint16) []byte { return (*[2]byte)(unsafe.Pointer(port))[:] }

// encode puts an address into name and returns how many bytes of it count.
func (s *socket) encode(name *unix.RawSockaddrInet6, to *net.UDPAddr) (uint32, error) {
	if to == nil {
		return 0, &net.AddrError{Err: "missing address"}
	}
	name.Family = uint16(s.family)
	binary.BigEndian.PutUint16(portOf(&name.Port), uint16(to.Port)) // in the same place with IPv4
	if s.family == unix.AF_INET {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		if copy(four.Addr[:], to.IP.To4()) == 0 {
			return 0, &net.AddrError{Err: "not an IPv4 address", Addr: to.String()}
		}
		return unix.SizeofSockaddrInet4, nil
	}
	if copy(name.Addr[:], to.IP.To16()) == 0 {
		return 0, &net.AddrError{Err: "not an IP address", Addr: to.String()}
	}
	name.Scope_id = scopeOf(to.Zone)
	return unix.SizeofSockaddrInet6, nil
}

// scopeOf is the number of a zone, which may be an interface's name. That is looked up each time: names change.
func scopeOf(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	n, _ := strconv.ParseUint(zone, 10, 32) // none: the kernel says what is wrong
	return uint32(n)
}

// sendWithin is how long a message waits for room in the socket's buffer; then it is lost, as any may be.
const sendWithin = 100 * time.Millisecond

// WriteMsgUDP sends b with control messages.
func (s *socket) WriteMsgUDP(b, oob []byte, to *net.UDPAddr) (n, oobn int, err error) {
	var name unix.RawSockaddrInet6
	size, err := s.encode(&name, to)
	if err != nil {
		return 0, 0, s.failed("write", to, err)
	}
	part := unix.Iovec{Base: unsafe.SliceData(b)}
	part.SetLen(len(b))
	h := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: size, Iov: &part, Control: unsafe.SliceData(oob)}
	h.SetIovlen(1)
	h.SetControllen(len(oob))
	var errno syscall.Errno
	if err := s.Control(func(fd uintptr) { errno = send(fd, &h) }); err != nil {
		return 0, 0, s.failed("write", to, err)
	}
	if errno != 0 && errno != unix.EAGAIN {
		return 0, 0, s.failed("write", to, os.NewSyscallError("sendmsg", errno))
	}
	return len(b), len(oob), nil
}

// send is sendNow, once more if there was no room.
func send(fd uintptr, h *unix.Msghdr) syscall.Errno {
	errno := sendNow(fd, h)
	if errno == unix.EAGAIN {
		room := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		_, _ = unix.Poll(room, int(sendWithin.Milliseconds())) // whatever happens, the next line says it
		errno = sendNow(fd, h)
	}
	return errno
}

func sendNow(fd uintptr, h *unix.Msghdr) syscall.Errno {
	errno := syscall.Errno(unix.EINTR)
	for errno == unix.EINTR {
		_, _, errno = syscall.RawSyscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(h)), unix.MSG_DONTWAIT)
	}
	return errno
}

func (s *socket) failed(op string, to *net.UDPAddr, err error) error {
	e := &net.OpError{Op: op, Net: "udp", Source: s.local, Err: err}
	if to != nil {
		e.Addr = to
	}
	return e
}

// ReadMsgUDP is ReadBatch of one message.
func (s *socket) ReadMsgUDP(b, oob []byte) (n, oobn, flags int, from *net.UDPAddr, err error) {
	m := []ipv4.Message{{Buffers: [][]byte{b}, OOB: oob}}
	if _, err := s.ReadBatch(m, 0); err != nil {
		return 0, 0, 0, nil, err
	}
	return m[0].N, m[0].NN, m[0].Flags, m[0].Addr.(*net.UDPAddr), nil
}

// ReadFrom is ReadBatch of one message without its control messages.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, _, from, err := s.ReadMsgUDP(b, nil)
	return n, from, err
}

// WriteTo sends b to a *net.UDPAddr.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	address, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, s.failed("write", nil, &net.AddrError{Err: "not an address of UDP", Addr: to.String()})
	}
	n, _, err := s.WriteMsgUDP(b, nil, address)
	return n, err
}

// Close ends reading, and what is called later, with net.ErrClosed.
func (s *socket) Close() error {
	if err := s.arrivals.Close(); err != nil { // waits for the reader
		return s.failed("close", nil, net.ErrClosed)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return os.NewSyscallError("close", unix.Close(s.fd))
}

// LocalAddr is the *net.UDPAddr that the socket was opened with.
func (s *socket) LocalAddr() net.Addr { return s.local }

// SetDeadline is SetReadDeadline.
func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// SetReadDeadline ends reading at a time with os.ErrDeadlineExceeded.
func (s *socket) SetReadDeadline(t time.Time) error { return s.arrivals.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see sendWithin.
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// SetReadBuffer sets the size of the kernel's buffer for what has arrived, in bytes.
func (s *socket) SetReadBuffer(bytes int) error { return s.setOption(unix.SO_RCVBUF, bytes) }

// SetWriteBuffer sets the size of the kernel's buffer for what is sent, in bytes.
func (s *socket) SetWriteBuffer(bytes int) error { return s.setOption(unix.SO_SNDBUF, bytes) }

func (s *socket) setOption(option, value int) error {
	var err error
	closed := s.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, option, value) })
	return errors.Join(closed, os.NewSyscallError("setsockopt", err))
}

// SyscallConn is the socket itself, of which only Control has anything to do.
func (s *socket) SyscallConn() (syscall.RawConn, error) { return s, nil }

// Control calls f with the descriptor, which is open until it returns.
func (s *socket) Control(f func(fd uintptr)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return net.ErrClosed
	}
	f(uintptr(s.fd))
	return nil
}

// Read is for nobody: ReadBatch is.
func (s *socket) Read(func(uintptr) bool) error { return errors.ErrUnsupported }

// Write is for nobody: WriteMsgUDP is.
func (s *socket) Write(func(uintptr) bool) error { return errors.ErrUnsupported }
