package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net/url"
	"sync"
	"time"
)

// Certificates are made in memory and never stored. Clocks may differ: a leaf is valid from long before it was made.
// Two days each way is how far apart they may be.
const (
	leafBefore = 2 * 24 * time.Hour
	leafAfter  = 4 * 24 * time.Hour
	leafRenew  = 24 * time.Hour // age at which the next handshake gets a new leaf

	// nodeHost is the name that node certificates carry and that dialers ask for, whatever address they dial.
	nodeHost = "node.sessnode"
)

// Role is what the holder of a certificate may be on a connection.
type Role uint8

// Roles. Nodes and administrators need the cluster key; clients need either key.
const (
	RoleNode Role = iota + 1
	RoleClient
	RoleAdmin
)

var roleNames = map[Role]string{RoleNode: "node", RoleClient: "client", RoleAdmin: "admin"}

// String returns the name that stands in certificates: node, client or admin.
func (r Role) String() string {
	if name, ok := roleNames[r]; ok {
		return name
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// authority recognizes the leafs of one certificate authority.
type authority struct {
	certificate *x509.Certificate
	clients     bool // signs clients and nothing else
}

// newAuthority makes the certificate of the authority with that public key. A root is trusted because it is in the
// pool, by name and public key; nobody checks its own signature, so a throw-away key makes it.
func newAuthority(public ed25519.PublicKey, clients bool) (authority, error) {
	_, throwAway, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return authority{}, fmt.Errorf("make authority: %w", err)
	}
	template := authorityTemplate(authorityName(clients), public)
	if clients {
		template.MaxPathLen, template.MaxPathLenZero = 1, false // it signs application authorities too
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, throwAway)
	if err != nil {
		return authority{}, fmt.Errorf("make authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return authority{certificate: certificate, clients: clients}, err
}

// authorityTemplate is the certificate of an authority that signs leafs alone.
func authorityTemplate(name string, public ed25519.PublicKey) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		SubjectKeyId:          public[:20],
	}
}

func authorityName(clients bool) string {
	if clients {
		return "sessnode client authority"
	}
	return "sessnode node authority"
}

// authoritiesOf returns the authorities that the holder of key can recognize: that of nodes, and with a cluster key that
// of clients.
func authoritiesOf(key Key) ([]authority, error) {
	nodes, err := newAuthority(key.nodeAuthority[:], false)
	if err != nil || key.IsClient() { // clients accept no clients
		return []authority{nodes}, err
	}
	clientKey, err := key.ClientKey()
	if err != nil {
		return nil, err
	}
	clients, err := newAuthority(clientKey.clientSigner().Public().(ed25519.PublicKey), true)
	return []authority{nodes, clients}, err
}

// leafSource hands out this process's own certificate and renews it in time.
type leafSource struct {
	name   string
	role   Role
	app    string   // that the leaf is bound to
	chain  [][]byte // certificates of authorities that are sent with the leaf
	issuer *x509.Certificate
	signer ed25519.PrivateKey // of the issuer
	now    func() time.Time

	mu   sync.Mutex // guards leaf and made
	leaf *tls.Certificate
	made time.Time
}

// newLeafSource prepares leafs of the given role. ErrClientKey when the key does not give that role.
func newLeafSource(key Key, role Role, name string, now func() time.Time) (*leafSource, error) {
	signer, clients := ed25519.PrivateKey(nil), role == RoleClient
	switch {
	case clients && key.app != "":
		issuer, err := x509.ParseCertificate([]byte(key.certificate))
		return &leafSource{name: name, role: role, app: key.app, chain: [][]byte{[]byte(key.certificate)},
			issuer: issuer, signer: key.appSigner(), now: now}, err
	case clients:
		clientKey, err := key.ClientKey()
		if err != nil {
			return nil, err
		}
		signer = clientKey.clientSigner()
	case key.IsClient():
		return nil, fmt.Errorf("%w: role %v", ErrClientKey, role)
	default:
		signer = key.nodeSigner()
	}
	issuer, err := newAuthority(signer.Public().(ed25519.PublicKey), clients)
	if err != nil {
		return nil, err
	}
	return &leafSource{name: name, role: role, issuer: issuer.certificate, signer: signer, now: now}, nil
}

// get returns the current leaf, made anew when it has come of age or the clock stands before its making.
func (s *leafSource) get() (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if age := now.Sub(s.made); s.leaf != nil && age >= 0 && age < leafRenew {
		return s.leaf, nil
	}
	leaf, err := s.make(now)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	s.leaf, s.made = leaf, now
	return leaf, nil
}

func (s *leafSource) make(now time.Time) (*tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: s.name, OrganizationalUnit: []string{s.role.String()}},
		NotBefore:    now.Add(-leafBefore),
		NotAfter:     now.Add(leafAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if s.role == RoleNode {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
		template.DNSNames = []string{nodeHost}
	}
	if s.app != "" {
		template.URIs = []*url.URL{clientURI(s.app)}
	}
	// The signature is made with the authority's real key; its certificate's own key field holds the same.
	der, err := x509.CreateCertificate(rand.Reader, template, s.issuer, public, s.signer)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: append([][]byte{der}, s.chain...), PrivateKey: private}, nil
}
