package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// appKeyOf returns the key of one application.
func appKeyOf(t testing.TB, key Key, app string) Key {
	t.Helper()
	own, err := key.AppKey(app)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func TestAppKeyText(t *testing.T) {
	for _, app := range []string{"shop", "a/b c", "Zoë", "sessnode:admin", strings.Repeat("ä", 32), "%2f"} {
		key := appKeyOf(t, testKey(t, 1), app)
		got, err := ParseKey(" " + strings.ToUpper(key.Text()) + "\n")
		if err != nil || got != key || got.App() != app || !got.IsClient() {
			t.Errorf("%q: parsed %v of %q, %v, want %v", app, got, got.App(), err, key)
		}
		if len(key.Text()) > keyTextMax*3/4 {
			t.Errorf("%q: %d characters", app, len(key.Text()))
		}
	}
}

// The same from the cluster key and the client key, and another for each application.
func TestAppKeyIsDerived(t *testing.T) {
	cluster := testKey(t, 1)
	shop := appKeyOf(t, cluster, "shop")
	if appKeyOf(t, clientKeyOf(t, cluster), "shop") != shop || appKeyOf(t, shop, "shop") != shop {
		t.Error("one application has several keys")
	}
	if appKeyOf(t, cluster, "blog").secret == shop.secret || shop.secret == clientKeyOf(t, cluster).secret {
		t.Error("two keys have one secret")
	}
	if _, err := shop.AppKey("blog"); !errors.Is(err, ErrAppKey) {
		t.Errorf("blog's key from shop's: %v, want ErrAppKey", err)
	}
	if k, err := shop.ClientKey(); k != shop || err != nil {
		t.Errorf("client key of shop's: %v, %v, want itself", k, err)
	}
	if _, err := shop.GossipKey(); !errors.Is(err, ErrClientKey) {
		t.Errorf("gossip key: %v", err)
	}
	if shop.Fingerprint() != cluster.Fingerprint() {
		t.Error("another fingerprint than the cluster's")
	}
	for _, bad := range []string{"", strings.Repeat("x", 65)} {
		if k, err := cluster.AppKey(bad); err == nil {
			t.Errorf("application %q has the key %v", bad, k)
		}
	}
	if k, err := (Key{}).AppKey("shop"); !errors.Is(err, ErrKeyText) {
		t.Errorf("from no key: %v, %v", k, err)
	}
}

// A text whose checksum is right and whose certificate is another application's is no key.
func TestAppKeyTextWithAnothersCertificate(t *testing.T) {
	shop, blog := appKeyOf(t, testKey(t, 1), "shop"), appKeyOf(t, testKey(t, 1), "blog")
	mixed := shop
	mixed.certificate = blog.certificate
	if k, err := ParseKey(mixed.Text()); !errors.Is(err, ErrKeyText) {
		t.Errorf("got %v, %v, want ErrKeyText", k, err)
	}
	mixed.certificate = "no certificate"
	if k, err := ParseKey(mixed.Text()); !errors.Is(err, ErrKeyText) {
		t.Errorf("got %v, %v, want ErrKeyText", k, err)
	}
}

func TestAppKeyProvesItsApplication(t *testing.T) {
	key := testKey(t, 1)
	server := listen(t, EndpointConfig{Key: key})
	dialer := listen(t, EndpointConfig{Key: appKeyOf(t, key, "a/b"), Role: RoleClient, Name: "dialer"})
	_, accepted := connect(t, dialer, server, hooks{}, hooks{})
	if got, want := accepted.Peer(), (Peer{Role: RoleClient, App: "a/b", Name: "dialer"}); got != want {
		t.Errorf("server sees %+v, want %+v", got, want)
	}
	if p := accepted.Peer(); !p.Opens("a/b") || p.Opens("a") || p.Opens("") || p.Administers() {
		t.Errorf("%+v opens too much or too little", p)
	}
}

// What the holder of an application key can make of it: the node lets none of it in.
func TestAppKeyForgeries(t *testing.T) {
	key := testKey(t, 1)
	shop := appKeyOf(t, key, "shop")
	own, err := newLeafSource(shop, RoleClient, "forger", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	as := func(change func(*leafSource)) *leafSource {
		forged := &leafSource{name: own.name, role: own.role, app: own.app, chain: own.chain, issuer: own.issuer, signer: own.signer,
			now: own.now}
		change(forged)
		return forged
	}
	for name, forged := range map[string]*leafSource{
		"another application":       as(func(s *leafSource) { s.app = "blog" }),
		"any application":           as(func(s *leafSource) { s.app = "" }),
		"a node":                    as(func(s *leafSource) { s.role = RoleNode }),
		"an administrator":          as(func(s *leafSource) { s.role = RoleAdmin }),
		"an authority of its own":   as(func(s *leafSource) { *s = *nextAuthority(t, own, "blog") }),
		"another client authority":  forge(t, clientKeyOf(t, testKey(t, 2)), RoleClient),
		"the client authority name": forgeNamed(t, shop),
	} {
		t.Run(name, func(t *testing.T) {
			server := listen(t, EndpointConfig{Key: key})
			dialer := listen(t, EndpointConfig{Key: shop, Role: RoleClient})
			become(dialer, forged)
			c, err := dialer.Dial(within(t), server.Addr().String())
			t.Logf("attacker claims to be %s and gets: %v", name, err)
			if !errors.Is(err, ErrKeyRefused) {
				t.Errorf("got %v, %v, want ErrKeyRefused", c, err)
			}
		})
	}
}

// nextAuthority is an authority for another application, signed by that of an application key.
func nextAuthority(t *testing.T, own *leafSource, app string) *leafSource {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := authorityTemplate("sessnode application authority", public)
	template.URIs = []*url.URL{clientURI(app)}
	der, err := x509.CreateCertificate(rand.Reader, template, own.issuer, public, own.signer)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &leafSource{role: RoleClient, app: app, chain: append([][]byte{der}, own.chain...), issuer: certificate, signer: private, now: time.Now}
}

// forgeNamed signs leafs in the client authority's name with an application's key.
func forgeNamed(t *testing.T, app Key) *leafSource {
	t.Helper()
	issuer, err := newAuthority(app.appSigner().Public().(ed25519.PublicKey), true)
	if err != nil {
		t.Fatal(err)
	}
	return &leafSource{name: "forged", role: RoleClient, issuer: issuer.certificate, signer: app.appSigner(), now: time.Now}
}
