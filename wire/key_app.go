package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"net/url"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// An application key holds the seed of an authority of its own and that authority's certificate, signed by the client
// authority. Its holder sends the certificate with each leaf, so nodes know every application without a list of them.

// AppKey returns the client key that opens the sessions of one application alone; always the same one. It is made from
// the cluster key or the client key. Errors: ErrKeyText for the zero Key, ErrAppKey for the key of another application,
// replica.ErrTooLarge or ErrBadRequest for a name that no application has.
func (k Key) AppKey(app string) (Key, error) {
	switch {
	case app == "":
		return Key{}, fmt.Errorf("%w: an application needs a name", replica.ErrBadRequest)
	case len(app) > replica.AppLenMax:
		return Key{}, fmt.Errorf("%w: application name of %d bytes, limit %d", replica.ErrTooLarge, len(app), replica.AppLenMax)
	case k.app == app:
		return k, nil
	case k.app != "":
		return Key{}, fmt.Errorf("%w: this one is of %q", ErrAppKey, k.app)
	}
	client, err := k.ClientKey()
	if err != nil {
		return Key{}, err
	}
	own := Key{prefix: appPrefix, secret: client.derive("application " + app), nodeAuthority: k.nodeAuthority, app: app}
	der, err := client.signApp(app, own.appSigner().Public().(ed25519.PublicKey))
	own.certificate = string(der)
	return own, err
}

// App returns the application that a client key is bound to; empty if to none.
func (k Key) App() string { return k.app }

// appSigner returns the private half of the application authority; only of application keys.
func (k Key) appSigner() ed25519.PrivateKey {
	seed := k.derive("application authority")
	return ed25519.NewKeyFromSeed(seed[:])
}

// signApp makes the certificate of an application's authority; only of client keys.
func (k Key) signApp(app string, public ed25519.PublicKey) ([]byte, error) {
	signer := k.clientSigner()
	parent, err := newAuthority(signer.Public().(ed25519.PublicKey), true)
	if err != nil {
		return nil, err
	}
	template := authorityTemplate("sessnode application authority", public)
	template.URIs = []*url.URL{clientURI(app)}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, public, signer)
	if err != nil {
		return nil, fmt.Errorf("make application authority: %w", err)
	}
	return der, nil
}

// parseAppBody reads what stands behind appPrefix.
func parseAppBody(text string) (Key, error) {
	const fixed = secretSize + ed25519.PublicKeySize
	raw, err := keyEncoding.DecodeString(text)
	if err == nil && (len(raw) <= fixed+checksumSize || keyEncoding.EncodeToString(raw) != text) {
		return Key{}, fmt.Errorf("%w: %d characters after %q are too few", ErrKeyText, len(text), appPrefix)
	}
	body, err := checkedBody(appPrefix, raw, err)
	if err != nil {
		return Key{}, err
	}
	k := Key{
		prefix: appPrefix, secret: [secretSize]byte(body), nodeAuthority: [ed25519.PublicKeySize]byte(body[secretSize:]),
		certificate: string(body[fixed:]),
	}
	certificate, err := x509.ParseCertificate(body[fixed:])
	if err != nil {
		return Key{}, fmt.Errorf("%w: its certificate is damaged", ErrKeyText)
	}
	public, ok := certificate.PublicKey.(ed25519.PublicKey)
	if k.app, err = appOf(certificate); err != nil || k.app == "" || !ok || !public.Equal(k.appSigner().Public()) {
		return Key{}, fmt.Errorf("%w: its certificate is of something else", ErrKeyText)
	}
	return k, nil
}

// Certificates name an application, and those of an operator's own authority every role, by a URI.
const (
	uriScheme    = "sessnode"
	clientOpaque = "client/" // the application follows, escaped
)

// clientURI names the clients of one application.
func clientURI(app string) *url.URL {
	return &url.URL{Scheme: uriScheme, Opaque: clientOpaque + url.PathEscape(app)}
}

// appOf is the application that a certificate names; empty if none. The error is ErrCertificate when it names more than one
// thing, or none that there is.
func appOf(certificate *x509.Certificate) (string, error) {
	opaque, err := uriOf(certificate)
	if err != nil || opaque == "" {
		return "", err
	}
	name, ok := strings.CutPrefix(opaque, clientOpaque)
	app, err := url.PathUnescape(name)
	if !ok || err != nil || app == "" || len(app) > replica.AppLenMax {
		return "", fmt.Errorf("%w: it names %s:%s, no application", ErrCertificate, uriScheme, opaque)
	}
	return app, nil
}

// uriOf is what stands behind the scheme in the only URI of ours that a certificate holds; empty if it holds none.
func uriOf(certificate *x509.Certificate) (string, error) {
	found := ""
	for _, u := range certificate.URIs {
		if u.Scheme != uriScheme {
			continue
		}
		if found != "" || u.Opaque == "" {
			return "", fmt.Errorf("%w: it names %v, which is not the one role that it should", ErrCertificate, u)
		}
		found = u.Opaque
	}
	return found, nil
}
