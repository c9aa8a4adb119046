package wire

import (
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

// clientKeyOf returns the client key of a cluster key.
func clientKeyOf(t testing.TB, key Key) Key {
	t.Helper()
	client, err := key.ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// forge returns what an attacker who holds a client key can make: leafs of any content, signed by the client authority.
func forge(t *testing.T, clientKey Key, role Role) *leafSource {
	t.Helper()
	signer := clientKey.clientSigner()
	issuer, err := newAuthority(signer.Public().(ed25519.PublicKey), true)
	if err != nil {
		t.Fatal(err)
	}
	return &leafSource{name: "forged", role: role, issuer: issuer.certificate, signer: signer, now: time.Now}
}

// become gives an endpoint the certificate of another source.
func become(e *Endpoint, other *leafSource) {
	own := e.creds.leaf.(*leafSource)
	own.mu.Lock()
	defer own.mu.Unlock()
	own.role, own.app, own.chain, own.leaf = other.role, other.app, other.chain, nil
	own.issuer, own.signer = other.issuer, other.signer
}

// refused dials and expects it to fail with want, and nothing to be accepted.
func refused(t *testing.T, from, to *Endpoint, want error) {
	t.Helper()
	c, err := from.Dial(within(t), to.Addr().String())
	if !errors.Is(err, want) {
		t.Errorf("dial: got %v, %v, want %v", c, err, want)
	}
	select {
	case c := <-to.accepted:
		t.Errorf("accepted %+v", c.Peer())
	default:
	}
}

func TestPeersKnowEachOther(t *testing.T) {
	key := testKey(t, 1)
	for _, c := range []struct {
		name string
		key  Key
		role Role
	}{
		{"node", key, RoleNode},
		{"client with cluster key", key, RoleClient},
		{"client with client key", clientKeyOf(t, key), RoleClient},
		{"admin", key, RoleAdmin},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := listen(t, EndpointConfig{Key: key, Name: "server"})
			dialer := listen(t, EndpointConfig{Key: c.key, Role: c.role, Name: "dialer"})
			dialed, accepted := connect(t, dialer, server, hooks{}, hooks{})
			if got, want := dialed.Peer(), (Peer{Role: RoleNode, Name: "server"}); got != want {
				t.Errorf("dialer sees %+v, want %+v", got, want)
			}
			if got, want := accepted.Peer(), (Peer{Role: c.role, Name: "dialer"}); got != want {
				t.Errorf("server sees %+v, want %+v", got, want)
			}
		})
	}
}

func TestWrongKeyIsRefused(t *testing.T) {
	server := listen(t, EndpointConfig{Key: testKey(t, 1)})
	t.Run("by the dialer", func(t *testing.T) {
		refused(t, listen(t, EndpointConfig{Key: testKey(t, 2)}), server, ErrKeyMismatch)
	})
	t.Run("by the node", func(t *testing.T) {
		dialer := listen(t, EndpointConfig{Key: testKey(t, 2), Accept: []Key{testKey(t, 1)}})
		refused(t, dialer, server, ErrKeyRefused)
	})
}

func TestOldAndNewKeySideBySide(t *testing.T) {
	older, newer := testKey(t, 1), testKey(t, 2)
	server := listen(t, EndpointConfig{Key: newer, Accept: []Key{older}})
	dialer := listen(t, EndpointConfig{Key: older, Accept: []Key{newer}})
	connect(t, dialer, server, hooks{}, hooks{})
	connect(t, server, dialer, hooks{}, hooks{})
}

func TestClientKeyIsNoNode(t *testing.T) {
	key := testKey(t, 1)
	client := clientKeyOf(t, key)
	for _, role := range []Role{RoleNode, RoleAdmin} {
		if e, err := Listen(EndpointConfig{Key: client, Role: role}); !errors.Is(err, ErrClientKey) {
			t.Errorf("listen as %v: got %v, %v, want ErrClientKey", role, e, err)
		}
		t.Run("forged "+role.String(), func(t *testing.T) {
			server := listen(t, EndpointConfig{Key: key})
			dialer := listen(t, EndpointConfig{Key: client, Role: RoleClient})
			become(dialer, forge(t, client, role))
			refused(t, dialer, server, ErrKeyRefused)
		})
	}
}

func TestClientKeyCannotImpersonateNode(t *testing.T) {
	key := testKey(t, 1)
	fake := listen(t, EndpointConfig{Key: testKey(t, 2), Accept: []Key{key}})
	become(fake, forge(t, clientKeyOf(t, key), RoleNode))
	refused(t, listen(t, EndpointConfig{Key: key}), fake, ErrKeyMismatch)
	refused(t, listen(t, EndpointConfig{Key: clientKeyOf(t, key), Role: RoleClient}), fake, ErrKeyMismatch)
}

// A node's certificate with an administrator's or client's content must not serve, even from the cluster key.
func TestOnlyNodesServe(t *testing.T) {
	key := testKey(t, 1)
	server := listen(t, EndpointConfig{Key: key})
	leaf, err := newLeafSource(key, RoleAdmin, "", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	become(server, leaf)
	if c, err := listen(t, EndpointConfig{Key: key}).Dial(within(t), server.Addr().String()); err == nil {
		t.Errorf("dialed an administrator: %+v", c.Peer())
	}
}

func TestNoCertificateIsRefused(t *testing.T) {
	server := listen(t, EndpointConfig{})
	dialer := listen(t, EndpointConfig{Role: RoleClient})
	dialer.dialTLS.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return &tls.Certificate{}, nil
	}
	refused(t, dialer, server, ErrKeyRefused)
}

func TestOtherVersionIsRefused(t *testing.T) {
	server := listen(t, EndpointConfig{})
	dialer := listen(t, EndpointConfig{})
	dialer.dialTLS.NextProtos = []string{"sessnode/2"}
	refused(t, dialer, server, ErrVersion)
}

func TestOldTLSIsRefused(t *testing.T) {
	creds := listen(t, EndpointConfig{}).creds
	if got := creds.server().MinVersion; got != tls.VersionTLS13 {
		t.Errorf("server takes TLS %x", got)
	}
	if got := creds.client().MinVersion; got != tls.VersionTLS13 {
		t.Errorf("client takes TLS %x", got)
	}
}

func TestClocksApart(t *testing.T) {
	at := func(d time.Duration) func() time.Time { return func() time.Time { return time.Now().Add(d) } }
	server := listen(t, EndpointConfig{})
	connect(t, listen(t, EndpointConfig{Now: at(47 * time.Hour)}), server, hooks{}, hooks{})
	connect(t, listen(t, EndpointConfig{Now: at(-47 * time.Hour)}), server, hooks{}, hooks{})
	refused(t, listen(t, EndpointConfig{Now: at(8 * 24 * time.Hour)}), server, ErrClock)
	refused(t, listen(t, EndpointConfig{Now: at(-8 * 24 * time.Hour)}), server, ErrClock)
}

func TestLeafIsRenewed(t *testing.T) {
	now := time.Now()
	source, err := newLeafSource(testKey(t, 1), RoleNode, "n", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	first, _ := source.get()
	now = now.Add(leafRenew - time.Second)
	if again, _ := source.get(); again != first {
		t.Error("made anew before its time")
	}
	now = now.Add(2 * time.Second)
	second, err := source.get()
	if err != nil || second == first {
		t.Errorf("not made anew: %v", err)
	}
	now = now.Add(-365 * 24 * time.Hour)
	if third, err := source.get(); err != nil || third == second {
		t.Errorf("not made anew after the clock was set back: %v", err)
	}
}

// A process that runs for longer than a leaf lives: each new handshake shows a leaf that is good, on both sides, and a
// connection that there is goes on. Both sides' clocks are one that the test turns.
func TestHandshakesLongAfterTheStart(t *testing.T) {
	var turned atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(turned.Load())) }
	key := testKey(t, 1)
	server := listen(t, EndpointConfig{Key: key, Now: clock})
	for name, dialerKey := range map[string]Key{"cluster key": key, "client key": clientKeyOf(t, key), "application key": appKeyOf(t, key, "shop")} {
		t.Run(name, func(t *testing.T) {
			dialer := listen(t, EndpointConfig{Key: dialerKey, Role: RoleClient, Now: clock})
			got := newCollect()
			old, _ := connect(t, dialer, server, hooks{}, got)
			for range 3 {
				turned.Add(int64(leafAfter + time.Hour))
				c, _ := connect(t, dialer, server, hooks{}, hooks{})
				shown := c.quic.ConnectionState().TLS.PeerCertificates[0]
				if left := shown.NotAfter.Sub(clock()); left < leafAfter-leafRenew {
					t.Errorf("the node showed a leaf that ends in %v", left)
				}
			}
			if err := old.Send(0, &Frame{Type: typeRequest, Payload: []byte("still here")}); err != nil {
				t.Errorf("the connection of before: %v", err)
			}
			got.wait(t, 0, 1)
		})
	}
}
