package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ownAuthority is an operator's authority that writes its certificates to files.
type ownAuthority struct {
	t           *testing.T
	dir         string
	certificate *x509.Certificate
	signer      ed25519.PrivateKey
}

func newOwnAuthority(t *testing.T) *ownAuthority {
	t.Helper()
	public, signer, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := authorityTemplate("own authority", public)
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	a := &ownAuthority{t: t, dir: t.TempDir(), signer: signer}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *ownAuthority) write(name, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// load makes a certificate that names URIs, with what change makes of it, and loads it.
func (a *ownAuthority) load(change func(*x509.Certificate), uris ...string) (*PKI, error) {
	a.t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "holder"}, DNSNames: []string{nodeHost},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = append(template.URIs, u)
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.signer)
	if err != nil {
		a.t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write("cert.pem", "CERTIFICATE", der)
	a.write("key.pem", "PRIVATE KEY", key)
	in := func(name string) string { return filepath.Join(a.dir, name) }
	return LoadPKI(in("cert.pem"), in("key.pem"), in("ca.pem"))
}

func (a *ownAuthority) must(uris ...string) *PKI {
	a.t.Helper()
	p, err := a.load(nil, uris...)
	if err != nil {
		a.t.Fatal(err)
	}
	return p
}

func TestOwnCertificatesTellRoles(t *testing.T) {
	own := newOwnAuthority(t)
	server := listen(t, EndpointConfig{PKI: own.must("sessnode:node"), Name: "server"})
	for uri, want := range map[string]Peer{
		"sessnode:node":         {Role: RoleNode, Name: "holder"},
		"sessnode:admin":        {Role: RoleAdmin, Name: "holder"},
		"sessnode:client":       {Role: RoleClient, Name: "holder"},
		"sessnode:client/a%2Fb": {Role: RoleClient, App: "a/b", Name: "holder"},
	} {
		p := own.must("spiffe://elsewhere/x", uri)
		dialer := listen(t, EndpointConfig{PKI: p, Role: p.Role()})
		_, accepted := connect(t, dialer, server, hooks{}, hooks{})
		if got := accepted.Peer(); got != want {
			t.Errorf("%s: server sees %+v, want %+v", uri, got, want)
		}
	}
}

// What a holder of the wrong certificate, or of the key alone, gets.
func TestOwnCertificatesRefuse(t *testing.T) {
	own, other := newOwnAuthority(t), newOwnAuthority(t)
	key := testKey(t, 1)
	server := listen(t, EndpointConfig{Key: key, PKI: own.must("sessnode:node")})
	t.Run("another authority", func(t *testing.T) {
		refused(t, listen(t, EndpointConfig{PKI: other.must("sessnode:admin"), Role: RoleAdmin}), server, ErrKeyMismatch)
	})
	t.Run("the cluster key", func(t *testing.T) {
		refused(t, listen(t, EndpointConfig{Key: key, Role: RoleAdmin}), server, ErrKeyMismatch)
	})
	t.Run("a client's certificate as a node", func(t *testing.T) {
		p := own.must("sessnode:client")
		if _, err := Listen(EndpointConfig{Key: key, PKI: p, Address: "127.0.0.1:0"}); !errors.Is(err, ErrCertificate) {
			t.Errorf("listen: %v, want ErrCertificate", err)
		}
		shown := own.must("sessnode:node")
		fake := listen(t, EndpointConfig{Key: key, PKI: shown})
		shown.mu.Lock()
		shown.current = p.current
		shown.mu.Unlock()
		c, err := listen(t, EndpointConfig{PKI: own.must("sessnode:admin"), Role: RoleAdmin}).Dial(within(t), fake.Addr().String())
		t.Logf("attacker serves with a client's certificate and gets: %v", err)
		if err == nil {
			t.Errorf("dialed %+v", c.Peer())
		}
	})
	t.Run("accepted key", func(t *testing.T) {
		both := listen(t, EndpointConfig{Key: key, Accept: []Key{key}, PKI: own.must("sessnode:node")})
		dialer := listen(t, EndpointConfig{PKI: own.must("sessnode:client"), Role: RoleClient})
		dialer.creds.leaf, _ = newLeafSource(clientKeyOf(t, key), RoleClient, "", time.Now)
		connect(t, dialer, both, hooks{}, hooks{})
	})
}

func TestOwnCertificatesThatCannotServe(t *testing.T) {
	own := newOwnAuthority(t)
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		uris   []string
	}{
		"no role":         {nil, nil},
		"unknown role":    {nil, []string{"sessnode:root"}},
		"two roles":       {nil, []string{"sessnode:client/shop", "sessnode:node"}},
		"no application":  {nil, []string{"sessnode:client/"}},
		"expired":         {func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, []string{"sessnode:client"}},
		"not for clients": {func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }, []string{"sessnode:client"}},
		"not for servers": {func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }, []string{"sessnode:node"}},
		"another host":    {func(c *x509.Certificate) { c.DNSNames = []string{"example.org"} }, []string{"sessnode:node"}},
	} {
		p, err := own.load(c.change, c.uris...)
		if !errors.Is(err, ErrCertificate) {
			t.Errorf("%s: %v, %v, want ErrCertificate", name, p, err)
		}
		t.Logf("%s: %v", name, err)
	}
}

// A certificate that was renewed on disk is shown from the next handshake on; one of another role never is.
func TestOwnCertificateIsReadAgain(t *testing.T) {
	own := newOwnAuthority(t)
	p := own.must("sessnode:node")
	first, _ := p.get()
	own.must("sessnode:admin")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(p.certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if got, err := p.get(); got != first || err != nil {
		t.Errorf("the role has changed: %v", err)
	}
	own.must("sessnode:node")
	if err := os.Chtimes(p.certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if got, err := p.get(); got == first || err != nil {
		t.Errorf("not read again: %v", err)
	}
}

// Over HTTPS administrators are served and nobody else, without a certificate only where that is optional.
func TestOwnCertificatesOverHTTPS(t *testing.T) {
	own := newOwnAuthority(t)
	server := own.must("sessnode:node")
	for _, c := range []struct {
		uri      string
		optional bool
		served   bool
	}{
		{"sessnode:admin", false, true}, {"sessnode:client", false, false}, {"sessnode:client/shop", true, false},
		{"sessnode:node", false, false}, {"", false, false}, {"", true, true},
	} {
		conf := &tls.Config{RootCAs: server.roots, ServerName: nodeHost}
		if c.uri != "" {
			conf.Certificates = []tls.Certificate{*own.must(c.uri).current}
		}
		near, far := net.Pipe()
		dialed := tls.Client(near, conf)
		go func() { _, _ = io.Copy(io.Discard, dialed) }() // ends when the pipe is closed
		err := tls.Server(far, server.HTTPS(c.optional)).HandshakeContext(within(t))
		_, _ = near.Close(), far.Close()
		if (err == nil) != c.served {
			t.Errorf("attacker shows %q, optional %v, and gets: %v", c.uri, c.optional, err)
		}
	}
}
