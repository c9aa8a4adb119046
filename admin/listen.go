package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

// What Listen returns beside the errors of the network.
var (
	// ErrAddress: the address is none that the listener may have.
	ErrAddress = errors.New("no address for the admin listener")
	// ErrTaken: another process listens there.
	ErrTaken = errors.New("address is taken by another process")
)

// unixPrefix begins the address of a Unix socket.
const unixPrefix = "unix:"

// Listen opens the listener on host:port, or on unix:PATH, a socket that only this user can open. An address beyond
// loopback takes a token or certificates; with certificates it speaks TLS there. The caller closes it. Errors: ErrAddress,
// ErrTaken, those of the network.
func Listen(addr string, conf Config) (net.Listener, error) {
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		return listenUnix(path)
	}
	near, err := isLoopback(addr)
	if err != nil {
		return nil, err
	}
	if !near && conf.Token == "" && conf.TLS == nil {
		return nil, fmt.Errorf("%w: %s could be reached from other machines, and whoever reaches it may ask: choose 127.0.0.1 or "+
			"unix:/path, or set a bearer token or certificates", ErrAddress, addr)
	}
	l, err := listenTCP(addr)
	if err == nil && !near && conf.TLS != nil {
		return tls.NewListener(l, conf.TLS), nil
	}
	return l, err
}

func listenTCP(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %w", addr, ErrTaken)
	}
	return l, err
}

// isLoopback reports whether only this machine reaches an address.
func isLoopback(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, fmt.Errorf("%w: %q: write host:port, such as 127.0.0.1:7946, or unix:/path", ErrAddress, addr)
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback(), nil
}

func listenUnix(path string) (net.Listener, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: no path behind %s", ErrAddress, unixPrefix)
	}
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if !abandoned(path) {
			return nil, fmt.Errorf("%s%s: %w", unixPrefix, path, ErrTaken)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		l, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// abandoned reports whether a path is a socket that nobody listens on: a node that was killed left it behind.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close() // somebody is there, which is all there is to know
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Describe is a listener's address in the form that Listen takes.
func Describe(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return unixPrefix + l.Addr().String()
	}
	return l.Addr().String()
}
