package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// ErrCertificate means that an operator's own certificate cannot serve; the error around it says what it lacks.
var ErrCertificate = errors.New("wire: certificate cannot be used")

// PKI is certificates of an operator's own authority, in place of those that a key gives. The URI in a certificate tells
// what its holder is: sessnode:node, sessnode:client, sessnode:client/APP or sessnode:admin, APP escaped as in a URL. A
// node's certificate is also for the host name node.sessnode, and for both server and client authentication.
type PKI struct {
	certFile, keyFile string
	roots             *x509.CertPool
	peer              Peer // what the certificate says of its holder

	mu      sync.Mutex // guards the rest
	current *tls.Certificate
	changed time.Time // of the file, when it was read
}

// pkiRoles are the URIs without the application, behind the scheme.
var pkiRoles = map[string]Role{"node": RoleNode, "client": RoleClient, "admin": RoleAdmin}

// LoadPKI reads PEM files: a certificate, with the authorities between it and the root; its private key; and the
// authorities that peers' certificates must come from, no others. The certificate is read again when its file has changed;
// it must stay of the same role. The error is ErrCertificate or that of a file.
func LoadPKI(certFile, keyFile, caFile string) (*PKI, error) {
	authorities, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	p := &PKI{certFile: certFile, keyFile: keyFile, roots: x509.NewCertPool()}
	if !p.roots.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%w: %s holds no certificate in PEM: name the file of your authority", ErrCertificate, caFile)
	}
	if p.current, p.peer, err = p.read(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(certFile); err == nil {
		p.changed = info.ModTime()
	}
	return p, nil
}

// Role returns what the certificate says that its holder is.
func (p *PKI) Role() Role { return p.peer.Role }

// App returns the application that the certificate is bound to; empty if to none.
func (p *PKI) App() string { return p.peer.App }

// HTTPS returns what a server of administrators needs: it shows this certificate, and takes those of role admin only.
// Certificates are optional where something else, such as a token, tells administrators.
func (p *PKI) HTTPS(optional bool) *tls.Config {
	auth := tls.RequireAndVerifyClientCert
	if optional {
		auth = tls.VerifyClientCertIfGiven
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: auth, ClientCAs: p.roots, SessionTicketsDisabled: true,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.get() },
		VerifyConnection: func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return nil
			}
			peer, err := peerByURI(state.PeerCertificates[0])
			if err == nil && peer.Role != RoleAdmin {
				err = fmt.Errorf("%w: a %v asks what administrators may", ErrRole, peer.Role)
			}
			return err
		},
	}
}

// read takes the certificate from its files and checks that peers could take it.
func (p *PKI) read() (*tls.Certificate, Peer, error) {
	pair, err := tls.LoadX509KeyPair(p.certFile, p.keyFile)
	if err != nil {
		return nil, Peer{}, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	peer, err := peerByURI(pair.Leaf)
	if err != nil {
		return nil, Peer{}, fmt.Errorf("%s: %w", p.certFile, err)
	}
	options := x509.VerifyOptions{Roots: p.roots, Intermediates: x509.NewCertPool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	for _, der := range pair.Certificate[1:] {
		between, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, Peer{}, fmt.Errorf("%w: %s: %w", ErrCertificate, p.certFile, err)
		}
		options.Intermediates.AddCert(between)
	}
	_, err = pair.Leaf.Verify(options)
	if err == nil && peer.Role == RoleNode {
		options.DNSName, options.KeyUsages = nodeHost, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		_, err = pair.Leaf.Verify(options)
	}
	if err != nil {
		return nil, Peer{}, fmt.Errorf("%w: %s: peers would refuse it: %w", ErrCertificate, p.certFile, err)
	}
	return &pair, peer, nil
}

// get returns the certificate, read anew when its file has changed. One that cannot be read leaves the one before.
func (p *PKI) get() (*tls.Certificate, error) {
	info, err := os.Stat(p.certFile)
	p.mu.Lock()
	current, changed := p.current, p.changed
	p.mu.Unlock()
	if err != nil || info.ModTime().Equal(changed) {
		return current, nil
	}
	pair, peer, err := p.read()
	if err != nil || peer.Role != p.peer.Role || peer.App != p.peer.App {
		return current, nil // half of it may be written: the next handshake looks again
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current, p.changed = pair, info.ModTime()
	return pair, nil
}

// peerByURI is what a certificate of an operator's own says of its holder. The error is ErrCertificate.
func peerByURI(leaf *x509.Certificate) (Peer, error) {
	opaque, err := uriOf(leaf)
	if err != nil {
		return Peer{}, err
	}
	peer := Peer{Name: leaf.Subject.CommonName, Role: pkiRoles[opaque]}
	if name, ok := strings.CutPrefix(opaque, clientOpaque); ok {
		peer.Role = RoleClient
		if peer.App, err = url.PathUnescape(name); err != nil || peer.App == "" || len(peer.App) > replica.AppLenMax {
			peer.Role = 0
		}
	}
	if peer.Role == 0 {
		return Peer{}, fmt.Errorf("%w: no role in it: give it the URI sessnode:node, sessnode:client, sessnode:client/APP or sessnode:admin "+
			"as a subject alternative name", ErrCertificate)
	}
	return peer, nil
}
