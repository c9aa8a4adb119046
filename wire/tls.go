package wire

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// protocolName is what both sides must agree on (ALPN); it changes only when a rolling upgrade cannot mix the two.
const protocolName = "sessnode/1"

// Peer is what a connection's certificate proves about the other side.
type Peer struct {
	Role Role
	// App is the only application whose sessions a client may see and change; empty: any.
	App string
	// Name is what the peer calls itself. Any holder of the same key may use any name.
	Name string
}

// credentials are one process's own certificate and the authorities that it accepts.
type credentials struct {
	leaf interface {
		get() (*tls.Certificate, error)
	}
	own         *PKI // nil if certificates come from the key
	authorities []authority
	now         func() time.Time
}

// newCredentials takes them from the operator's own certificates or derives them from the key; peers with any of the other
// keys are accepted too.
func newCredentials(conf *EndpointConfig) (*credentials, error) {
	c, keys := &credentials{own: conf.PKI, now: conf.Now}, conf.Accept
	if conf.PKI != nil {
		c.leaf = conf.PKI
	} else {
		leaf, err := newLeafSource(conf.Key, conf.Role, conf.Name, conf.Now)
		if err != nil {
			return nil, err
		}
		c.leaf, keys = leaf, append([]Key{conf.Key}, keys...)
	}
	for _, k := range keys {
		more, err := authoritiesOf(k)
		if err != nil {
			return nil, err
		}
		c.authorities = append(c.authorities, more...)
	}
	return c, nil
}

// pool returns the roots that a node accepts from dialers, clients included, or that a dialer accepts from nodes.
func (c *credentials) pool(clients bool) *x509.CertPool {
	pool := x509.NewCertPool()
	if c.own != nil {
		pool = c.own.roots.Clone()
	}
	for _, a := range c.authorities {
		if !a.clients || clients {
			pool.AddCert(a.certificate)
		}
	}
	return pool
}

// server returns the configuration with which a node accepts connections.
func (c *credentials) server() *tls.Config {
	conf := c.common()
	conf.ClientAuth = tls.RequireAndVerifyClientCert
	conf.ClientCAs = c.pool(true)
	conf.SessionTicketsDisabled = true // a resumed session would skip the check of a key that was taken back
	conf.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.leaf.get() }
	return conf
}

// client returns the configuration with which nodes, clients and administrators dial nodes.
func (c *credentials) client() *tls.Config {
	conf := c.common()
	conf.VerifyConnection = func(state tls.ConnectionState) error {
		peer, err := c.peer(state)
		if err == nil && peer.Role != RoleNode {
			err = fmt.Errorf("%w: a %v answers where a node should", ErrRole, peer.Role)
		}
		return err
	}
	conf.ServerName = nodeHost
	conf.RootCAs = c.pool(false)
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.leaf.get() }
	return conf
}

func (c *credentials) common() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{protocolName},
		Time:       c.now,
		VerifyConnection: func(state tls.ConnectionState) error {
			_, err := c.peer(state)
			return err
		},
	}
}

// peer reads what the verified chain says: the authority decides which roles there are, the leaf picks one of them.
func (c *credentials) peer(state tls.ConnectionState) (Peer, error) {
	if len(state.VerifiedChains) == 0 {
		return Peer{}, fmt.Errorf("%w: no verified certificate", ErrKeyMismatch)
	}
	chain := state.VerifiedChains[0]
	leaf, root := chain[0], chain[len(chain)-1]
	if c.own != nil && !c.derived(root) {
		return peerByURI(leaf)
	}
	role, ok := roleOf(leaf)
	if !ok || c.signsClients(root) != (role == RoleClient) {
		return Peer{}, fmt.Errorf("%w: certificate claims to be %q", ErrRole, leaf.Subject.OrganizationalUnit)
	}
	app, err := boundTo(chain)
	if err != nil {
		return Peer{}, err
	}
	return Peer{Role: role, App: app, Name: leaf.Subject.CommonName}, nil
}

// boundTo is the application that the authority between the root and the leaf is for; empty if there is none between
// them. What the leaf itself says must be the same, and decides nothing: whoever holds the key writes it.
func boundTo(chain []*x509.Certificate) (string, error) {
	said, err := appOf(chain[0])
	if err != nil {
		return "", err
	}
	app := ""
	if len(chain) > 2 {
		if app, err = appOf(chain[1]); err != nil {
			return "", err
		}
		if app == "" {
			return "", fmt.Errorf("%w: an authority that is bound to no application", ErrRole)
		}
	}
	if said != app {
		return "", fmt.Errorf("%w: certificate for the application %q from the authority of %q", ErrRole, said, app)
	}
	return app, nil
}

// derived reports whether a root is that of a key.
func (c *credentials) derived(root *x509.Certificate) bool {
	return slices.ContainsFunc(c.authorities, func(a authority) bool { return a.certificate.Equal(root) })
}

func (c *credentials) signsClients(root *x509.Certificate) bool {
	return slices.ContainsFunc(c.authorities, func(a authority) bool {
		return a.clients && a.certificate.Equal(root)
	})
}

func roleOf(leaf *x509.Certificate) (Role, bool) {
	if units := leaf.Subject.OrganizationalUnit; len(units) == 1 {
		for role, name := range roleNames {
			if name == units[0] {
				return role, true
			}
		}
	}
	return 0, false
}
