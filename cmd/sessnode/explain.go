package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/wire"
)

// explained is an error in the words of the command line, with the flag that mends it. What it was decides on the exit
// code.
type explained struct {
	text string
	was  error
}

// Error is the text.
func (e explained) Error() string { return e.text }

// Unwrap is the error that was explained.
func (e explained) Unwrap() error { return e.was }

func explain(was error, format string, args ...any) error {
	return explained{fmt.Sprintf(format, args...), was}
}

// explainNew is an error of node.New with what to do about it here.
func explainNew(err error, conf node.Config) error {
	switch {
	case errors.Is(err, wire.ErrDevelopmentKey):
		return explain(err, "-bind %s is open to others, and there is no key: make one with 'sessnode keygen -o cluster.key' "+
			"and name it with -key-file", conf.Listen)
	case errors.Is(err, wire.ErrAddressTaken):
		return fmt.Errorf("%w, or let -bind %s:0 find a free port", err, cutPort(conf.Listen))
	case isUnbindable(err):
		return fmt.Errorf("%w: choose an address of this machine with -bind", err)
	}
	return err
}

// explainRun is an error of node.Run with what to do about it here. name is the node's own.
func explainRun(err error, conf node.Config, name string) error {
	switch {
	case errors.Is(err, node.ErrNameTaken):
		_, who, _ := strings.Cut(err.Error(), node.ErrNameTaken.Error()+": ")
		return explain(err, "another living member has the name %s (%s): choose another with -name", name, cmp.Or(who, name))
	case errors.Is(err, node.ErrNoSeed):
		return explainNoSeed(err, conf, name)
	case isKeyError(err) && conf.PKI != nil:
		return explain(err, "%s and this node do not take each other's certificates: give all nodes certificates of one authority "+
			"with -tls-cert and -tls-ca", addressIn(err, strings.Join(conf.Join, ", ")))
	case isKeyError(err):
		return explainKey(err, addressIn(err, strings.Join(conf.Join, ", ")), conf.Key, "give all nodes the same key with -key-file")
	}
	return err
}

// lookedUp finds the name that an error says could not be looked up.
var lookedUp = regexp.MustCompile(`look up (\S+): `)

// explainNoSeed names each address that was tried once, and the file of those that are only remembered.
func explainNoSeed(err error, conf node.Config, name string) error {
	if conf.Key.IsZero() && strings.Contains(err.Error(), wire.ErrDevelopmentKey.Error()) {
		return explain(err, "-join %s is beyond loopback, and no key was given: name it with -key-file", strings.Join(conf.Join, ","))
	}
	within := cmp.Or(conf.JoinTimeout, node.JoinTimeoutDefault)
	if m := lookedUp.FindStringSubmatch(err.Error()); m != nil {
		return explain(err, "no node to join was found within %v: %s could not be looked up: check -join and the name servers",
			within, m[1])
	}
	file := filepath.Join(conf.StateDir, name+".members")
	if _, missing := os.Stat(file); conf.StateDir == "" || missing != nil {
		return explain(err, "no node to join answered within %v at %s: check -join, that a node runs there, and that UDP passes "+
			"between the machines", within, strings.Join(conf.Join, ", "))
	}
	also := ""
	if len(conf.Join) > 0 {
		also = " at " + strings.Join(conf.Join, ", ") + ", nor"
	}
	return explain(err, "no node answered within %v%s of the members remembered in %s: start one of them, or remove the file "+
		"so that this node forgets its cluster", within, also, file)
}

// explainDial is an error of client.Dial with what to do about it here.
func explainDial(err error, key wire.Key, own bool, timeout time.Duration) error {
	dial, ok := errors.AsType[*client.DialError](err)
	if !ok {
		return err
	}
	var reasons, addrs []string
	silent := true
	for _, n := range dial.Nodes {
		switch {
		case isKeyError(n.Err) && own:
			return explain(err, "%s and this command do not take each other's certificates: name the cluster's authority with -tls-ca, "+
				"and a certificate from it with -tls-cert", n.Addr)
		case isKeyError(n.Err):
			return explainKey(err, n.Addr, key, "name the cluster's key, or a client key made from it, with -key-file")
		case errors.Is(n.Err, wire.ErrDevelopmentKey):
			return explain(err, "%s is beyond loopback, and no key was given: name it with -key-file", n.Addr)
		}
		why := "no answer"
		if n.Err != nil && !errors.Is(n.Err, wire.ErrPeerSilent) && !errors.Is(n.Err, context.DeadlineExceeded) {
			silent, why = false, strings.TrimPrefix(n.Err.Error(), "dial "+n.Addr+": ")
		}
		addrs, reasons = append(addrs, n.Addr), append(reasons, n.Addr+": "+why)
	}
	if silent {
		return explain(err, "no node answered within %v at %s: is one running there? Start one with 'sessnode serve', or name "+
			"another with -node", timeout, strings.Join(addrs, ", "))
	}
	return explain(err, "no node answered: %s: check -node", strings.Join(reasons, "; "))
}

func isKeyError(err error) bool {
	return errors.Is(err, wire.ErrKeyMismatch) || errors.Is(err, wire.ErrKeyRefused)
}

// explainKey tells a wrong key from none.
func explainKey(err error, addr string, key wire.Key, mend string) error {
	if key.IsZero() {
		return explain(err, "%s asks for a key, and no key was given: name it with -key-file", addr)
	}
	return explain(err, "%s has another key: %s", addr, mend)
}

// dialed is where an error says which address did not let us in.
var dialed = regexp.MustCompile(`dial (\S+:\d+): `)

// addressIn is the address that an error names, or the one given.
func addressIn(err error, otherwise string) string {
	if m := dialed.FindStringSubmatch(err.Error()); m != nil {
		return m[1]
	}
	return otherwise
}

// checkAddress refuses a port that there cannot be; what is wrong with the rest of an address, the node says.
func checkAddress(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil
	}
	if _, err := net.LookupPort("udp", port); err != nil {
		return configError{fmt.Errorf("%s %s: there is no port %q: choose a number from 0 to 65535", flag, addr, port)}
	}
	return nil
}
