package wire

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/quic-go/quic-go"
)

// Refusals and endings that callers test with errors.Is. Those that an operator can mend say how.
var (
	// ErrKeyMismatch: we refuse the peer, whose certificate does not come from our key.
	ErrKeyMismatch = errors.New("wire: the peer has another cluster key than we have: give both the same key")
	// ErrKeyRefused: the peer refuses us, because our certificate does not come from its key.
	ErrKeyRefused = errors.New("wire: the peer refuses our key: give both the same cluster key, or a client key made from it")
	// ErrClock: a certificate is not valid yet or any more by the clock of one of the two.
	ErrClock = errors.New("wire: a certificate is out of its time: set the clocks of both machines")
	// ErrVersion: no version of the protocol is spoken by both.
	ErrVersion = errors.New("wire: the peer speaks another version of the protocol: upgrade the older of the two")
	// ErrBusy: the peer has as many connections as it allows.
	ErrBusy = errors.New("wire: the peer has no room for another connection: raise its limit or try another node")
	// ErrRole: one side's role does not allow what was asked, such as a client that gossips.
	ErrRole = errors.New("wire: this role is not allowed to do that: use the cluster key, not a client key")
	// ErrProtocol: a peer broke the rules of this package; the connection is closed.
	ErrProtocol = errors.New("wire: protocol violation")
	// ErrPeerClosed: the peer closed the connection on purpose; the text carries its reason.
	ErrPeerClosed = errors.New("wire: closed by the peer")
	// ErrPeerRestarted: the process at the peer's address does not know the connection; it has started anew.
	ErrPeerRestarted = errors.New("wire: the peer has restarted")
	// ErrPeerSilent: nothing came from the peer for the idle timeout, or no answer to the first packets.
	ErrPeerSilent = errors.New("wire: the peer is silent")
	// ErrClosed: this side has closed the connection, link or endpoint.
	ErrClosed = errors.New("wire: closed")
	// ErrDown: a link has no connection at this moment.
	ErrDown = errors.New("wire: link is down")
	// ErrQueueFull: a lane's queue has reached its bound; the frame was not sent.
	ErrQueueFull = errors.New("wire: send queue is full: the peer reads too slowly")
	// ErrLane: the connection has no lane of that number.
	ErrLane = errors.New("wire: no such lane")
	// ErrAddressTaken: another process listens on the address.
	ErrAddressTaken = errors.New("wire: address is taken by another process: choose another or stop that process")
	// ErrDevelopmentKey: the public development key protects nothing and is refused beyond loopback.
	ErrDevelopmentKey = errors.New("wire: the development key works on loopback only: make a key with 'sessnode keygen'")
)

// Codes with which a connection is closed; they stand in docs/PROTOCOL.md and never change their meaning.
const (
	codeClosed   quic.ApplicationErrorCode = 0 // on purpose, by the layer above
	codeProtocol quic.ApplicationErrorCode = 1
	codeBusy     quic.ApplicationErrorCode = 2
	codeRole     quic.ApplicationErrorCode = 3
	codeStopping quic.ApplicationErrorCode = 4 // the endpoint closes
)

// streamRefused is the code with which single streams are reset.
const streamRefused quic.StreamErrorCode = 1

// TLS alerts (RFC 8446, section 6.2) as they arrive in CRYPTO_ERROR, which is 0x100 + alert.
const (
	cryptoError           quic.TransportErrorCode = 0x100
	alertBadCertificate                           = cryptoError + 42
	alertExpired                                  = cryptoError + 45
	alertUnknownAuthority                         = cryptoError + 48
	alertNeedCertificate                          = cryptoError + 116
	alertNoProtocol                               = cryptoError + 120
)

// explain puts quic-go's error under one of the sentinels above, with the original as text. Errors that it does not
// know come back as they are.
func explain(err error) error {
	if sentinel := sentinelOf(err); sentinel != nil && !errors.Is(err, sentinel) {
		return fmt.Errorf("%w (%v)", sentinel, err)
	}
	return err
}

func sentinelOf(err error) error {
	if e, ok := errors.AsType[*quic.ApplicationError](err); ok {
		return applicationSentinel(e)
	}
	if e, ok := errors.AsType[*quic.TransportError](err); ok {
		return transportSentinel(e)
	}
	if _, ok := errors.AsType[*quic.VersionNegotiationError](err); ok {
		return ErrVersion
	}
	if _, ok := errors.AsType[*quic.StatelessResetError](err); ok {
		return ErrPeerRestarted
	}
	_, idle := errors.AsType[*quic.IdleTimeoutError](err)
	_, handshake := errors.AsType[*quic.HandshakeTimeoutError](err)
	if idle || handshake {
		return ErrPeerSilent
	}
	if errors.Is(err, quic.ErrTransportClosed) || errors.Is(err, quic.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return ErrClosed
	}
	return nil
}

func applicationSentinel(e *quic.ApplicationError) error {
	switch e.ErrorCode {
	case codeProtocol:
		return ErrProtocol
	case codeBusy:
		return ErrBusy
	case codeRole:
		return ErrRole
	}
	if e.Remote {
		return ErrPeerClosed
	}
	return ErrClosed
}

func transportSentinel(e *quic.TransportError) error {
	switch {
	case e.ErrorCode == quic.ConnectionRefused:
		return ErrBusy
	case e.ErrorCode == alertNoProtocol:
		return ErrVersion
	case e.ErrorCode == alertExpired || isExpired(e):
		return ErrClock
	case e.ErrorCode != alertBadCertificate && e.ErrorCode != alertUnknownAuthority && e.ErrorCode != alertNeedCertificate:
		return nil
	case e.Remote:
		return ErrKeyRefused
	default:
		return ErrKeyMismatch
	}
}

// isExpired reports whether our own check failed for the time alone; TLS 1.3 has one alert for both ends of it.
func isExpired(err error) bool {
	invalid, ok := errors.AsType[x509.CertificateInvalidError](err)
	return ok && invalid.Reason == x509.Expired
}

// cause returns why ctx ended, in this package's words.
func cause(ctx context.Context) error { return explain(context.Cause(ctx)) }
