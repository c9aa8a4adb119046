package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"

	"github.com/sessnode/sessnode/admin"
	"github.com/sessnode/sessnode/chaos"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/ring"
	"github.com/sessnode/sessnode/wire"
)

// Exit codes; scripts rely on them, so they never change their meaning.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitConfig      = 3
	exitNetwork     = 4
	exitRefused     = 5
	exitNotFound    = 6
	exitInterrupted = 130
)

const exitHelp = `EXIT CODES
    0  done; for serve: left in good order
    1  failed for a reason that has no code of its own; for 'demo -once': the count or a wait was wrong;
       for 'chaos run' and 'chaos judge': a guarantee was violated, the nodes did not find together
       again, or no fault bit
    2  used wrongly: unknown command or flag, bad value
    3  configuration: a value that cannot work, a key or file that is missing or damaged, no key beyond loopback
    4  network: address taken, nobody reachable, no answer in time; for 'status -wait-safe' and 'drain': not safe, or not
       drained, in time; for 'forget': a member was not told
    5  refused: another key, another cluster, name taken, not allowed with a client key, other protocol version; for
       'forget': the member is alive
    6  no such session; for 'forget': nobody looks for a member of that name
  130  interrupted; for 'chaos run': ended early, without a violation until then
`

// usageError is a command line that cannot be meant.
type usageError struct{ error }

// Unwrap is the error that says what is wrong.
func (e usageError) Unwrap() error { return e.error }

// configError is a setting or a file that cannot be used.
type configError struct{ error }

// Unwrap is the error that says what is wrong.
func (e configError) Unwrap() error { return e.error }

// codes gives errors their exit codes; the first that matches counts.
var codes = []struct {
	code   int
	errors []error
}{
	{exitFailed, []error{errViolation, chaos.ErrNotWhole, chaos.ErrNoBite}},
	{exitNotFound, []error{replica.ErrNotFound, replica.ErrDestroyed, errUnknownMember}},
	{exitConfig, []error{node.ErrConfig, admin.ErrAddress, wire.ErrKeyText, wire.ErrClientKey, wire.ErrAppKey, wire.ErrCertificate, wire.ErrDevelopmentKey, os.ErrPermission,
		os.ErrNotExist, os.ErrExist}},
	{exitUsage, []error{ring.ErrInvalidConfig, ring.ErrUnknownMember, ring.ErrNoChange, ring.ErrNoMembers,
		ring.ErrTooManyMembers, ring.ErrInvalidMember, ring.ErrDuplicateMember, replica.ErrBadRequest, replica.ErrTooLarge}},
	{exitRefused, []error{wire.ErrKeyMismatch, wire.ErrKeyRefused, wire.ErrVersion, wire.ErrClock, wire.ErrRole,
		replica.ErrForbidden, node.ErrNameTaken, node.ErrOtherCluster, errAliveMember}},
	{exitNetwork, []error{wire.ErrAddressTaken, admin.ErrTaken, errNotInTime, node.ErrNoSeed, wire.ErrPeerSilent, wire.ErrBusy, replica.ErrUnavailable,
		client.ErrOutcomeUnknown, context.DeadlineExceeded}},
	{exitInterrupted, []error{context.Canceled}},
}

// exitCode is the code that a command's error ends the process with.
func exitCode(err error) int {
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	if _, ok := errors.AsType[configError](err); ok {
		return exitConfig
	}
	for _, row := range codes {
		for _, target := range row.errors {
			if errors.Is(err, target) {
				return row.code
			}
		}
	}
	if isNetwork(err) {
		return exitNetwork
	}
	return exitFailed
}

// isNetwork reports whether the network, or what was said of it, stood in the way.
func isNetwork(err error) bool {
	_, unreachable := errors.AsType[*client.DialError](err)
	return unreachable || isUnbindable(err)
}

// isUnbindable reports whether an address cannot be used on this machine.
func isUnbindable(err error) bool {
	_, system := errors.AsType[*net.OpError](err)
	_, unknown := errors.AsType[*net.DNSError](err)
	_, wrong := errors.AsType[*net.AddrError](err)
	return system || unknown || wrong
}

// origin is where an error says which of our packages it comes from; a reader of the command line has no use for it.
var origin = regexp.MustCompile(`(^|: |; )(?:(?:node|wire|client|replica|failover|ring): )+`)

// gossiped is what memberlist puts before the reason why a node did not let this one in.
var gossiped = regexp.MustCompile(`failed to join [^ :]\S*: `)

// oneLine is an error as the user reads it: one line, with what to do about it.
func oneLine(err error) string {
	if errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	text := strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	text = gossiped.ReplaceAllString(text, "")
	return origin.ReplaceAllString(text, "$1")
}

// remedy adds what to do to an error, if it is target.
func remedy(err, target error, what string) error {
	if errors.Is(err, target) {
		return fmt.Errorf("%w: %s", err, what)
	}
	return err
}
