package wire

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Everything that a cluster needs to trust itself comes from one secret of 32 bytes:
//
//	cluster key ─┬─ node authority (Ed25519)    signs nodes; its public half is part of every client key
//	             ├─ gossip key (AES-256)
//	             ├─ reset and token keys, one per node name or address
//	             └─ client key ─┬─ client authority (Ed25519)    signs clients and application authorities
//	                            └─ application key, one per name ── application authority (Ed25519)    signs its clients
//
// Each arrow is HKDF-SHA-256 with a label of its own, so no arrow can be walked back.

const (
	secretSize    = 32
	checksumSize  = 4
	clusterPrefix = "sessnode-cluster-"
	clientPrefix  = "sessnode-client-"
	appPrefix     = "sessnode-app-"
	keyTextMax    = 2048 // an application key holds a certificate
)

var keyEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Errors of keys.
var (
	// ErrKeyText means that a text is no key; the error's own text says what is wrong, and never repeats the key.
	ErrKeyText = errors.New("wire: not a key")
	// ErrClientKey means that a cluster key is needed and a client key was given.
	ErrClientKey = errors.New("wire: a client key opens sessions only: this needs the cluster key")
	// ErrAppKey means that the key of one application was asked to open another's sessions.
	ErrAppKey = errors.New("wire: an application key opens the sessions of its application only: use that one's key, or a client key bound to none")
)

// Key is a cluster key, a client key or an application key, which is a client key bound to one application; the zero Key is
// none of them. Keys compare with ==. Printing one shows its fingerprint, never the secret; Text shows the secret.
type Key struct {
	prefix        string           // clusterPrefix, clientPrefix or appPrefix; empty in the zero Key
	secret        [secretSize]byte // the cluster's secret, or that of the client or application authority
	nodeAuthority [ed25519.PublicKeySize]byte
	app           string // of an application key
	certificate   string // of an application key: its authority's, DER, signed by the client authority
}

// GenerateKey makes a new cluster key from 32 bytes of random, which in production is crypto/rand.Reader.
func GenerateKey(random io.Reader) (Key, error) {
	var secret [secretSize]byte
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return Key{}, fmt.Errorf("generate key: %w", err)
	}
	return clusterKey(secret), nil
}

// DevelopmentKey returns the cluster key that everyone knows. Traffic under it is encrypted but not protected; Listen and
// Dial refuse it beyond loopback.
func DevelopmentKey() Key {
	return clusterKey(sha256.Sum256([]byte("sessnode development key: public, protects nothing")))
}

// ParseKey reads what Text wrote; spaces around it and the case of letters do not matter. The error is ErrKeyText.
func ParseKey(text string) (Key, error) {
	text = strings.TrimSpace(text)
	if len(text) > keyTextMax {
		return Key{}, fmt.Errorf("%w: longer than %d characters", ErrKeyText, keyTextMax)
	}
	text = strings.ToLower(text)
	if body, ok := strings.CutPrefix(text, clusterPrefix); ok {
		return parseBody(clusterPrefix, body, secretSize)
	}
	if body, ok := strings.CutPrefix(text, clientPrefix); ok {
		return parseBody(clientPrefix, body, secretSize+ed25519.PublicKeySize)
	}
	if body, ok := strings.CutPrefix(text, appPrefix); ok {
		return parseAppBody(body)
	}
	return Key{}, fmt.Errorf("%w: it should begin with %q, %q or %q", ErrKeyText, clusterPrefix, clientPrefix, appPrefix)
}

// Text returns the key's text form, which is the secret itself: store it, never log it. The zero Key gives "".
func (k Key) Text() string {
	if k.IsZero() {
		return ""
	}
	body := k.body()
	return k.prefix + keyEncoding.EncodeToString(append(body, checksum(k.prefix, body)...))
}

// String names the key without betraying it: its kind and fingerprint.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	if k.app != "" {
		return fmt.Sprintf("%s(%s, %q)", k.prefix, k.Fingerprint(), k.app)
	}
	return k.prefix + "(" + k.Fingerprint() + ")"
}

// GoString is String, so that %#v does not print the secret either.
func (k Key) GoString() string { return k.String() }

// Fingerprint returns 16 hexadecimal digits that are the same for a cluster key and the client keys made from it, and
// that may be shown to anyone.
func (k Key) Fingerprint() string {
	sum := sha256.Sum256(k.nodeAuthority[:])
	return hex.EncodeToString(sum[:8])
}

// IsZero reports whether k is no key at all.
func (k Key) IsZero() bool { return k.prefix == "" }

// IsClient reports whether k is a client key, bound to an application or not.
func (k Key) IsClient() bool { return k.prefix == clientPrefix || k.prefix == appPrefix }

// IsDevelopment reports whether k is the development key or its client key.
func (k Key) IsDevelopment() bool { return k.nodeAuthority == DevelopmentKey().nodeAuthority }

// ClientKey returns the key that clients of this cluster use; always the same one. It lets its holder make certificates
// for clients and recognize nodes, but neither make certificates for nodes nor find the cluster key. A client key, bound
// to an application or not, returns itself. The error is ErrKeyText for the zero Key.
func (k Key) ClientKey() (Key, error) {
	if k.IsZero() {
		return Key{}, fmt.Errorf("%w: no key given", ErrKeyText)
	}
	if k.IsClient() {
		return k, nil
	}
	return Key{prefix: clientPrefix, secret: k.derive("client"), nodeAuthority: k.nodeAuthority}, nil
}

// GossipKey returns the 32 bytes of the AES-256 key that gossip is encrypted with. The caller owns the slice. The error is
// ErrClientKey for anything but a cluster key.
func (k Key) GossipKey() ([]byte, error) {
	if k.prefix != clusterPrefix {
		return nil, ErrClientKey
	}
	secret := k.derive("gossip")
	return secret[:], nil
}

// clusterKey computes what a cluster key carries besides its secret.
func clusterKey(secret [secretSize]byte) Key {
	k := Key{prefix: clusterPrefix, secret: secret}
	copy(k.nodeAuthority[:], k.nodeSigner().Public().(ed25519.PublicKey))
	return k
}

// nodeSigner returns the private half of the node authority; only of cluster keys.
func (k Key) nodeSigner() ed25519.PrivateKey {
	seed := k.derive("node authority")
	return ed25519.NewKeyFromSeed(seed[:])
}

// clientSigner returns the private half of the client authority; only of client keys.
func (k Key) clientSigner() ed25519.PrivateKey {
	seed := k.derive("client authority")
	return ed25519.NewKeyFromSeed(seed[:])
}

// derive walks one arrow of the diagram above.
func (k Key) derive(label string) (out [secretSize]byte) {
	b, err := hkdf.Key(sha256.New, k.secret[:], nil, "sessnode/1 "+label, secretSize)
	if err != nil {
		panic("wire: BUG: HKDF refuses a fixed length: " + err.Error())
	}
	copy(out[:], b)
	return out
}

// body returns the bytes that the text form encodes, without the checksum.
func (k Key) body() []byte {
	body := append(make([]byte, 0, 2*secretSize+len(k.certificate)+checksumSize), k.secret[:]...)
	if k.IsClient() {
		body = append(body, k.nodeAuthority[:]...)
	}
	return append(body, k.certificate...)
}

func parseBody(prefix, text string, size int) (Key, error) {
	raw, err := keyEncoding.DecodeString(text)
	if err == nil && (len(raw) != size+checksumSize || keyEncoding.EncodeToString(raw) != text) {
		return Key{}, fmt.Errorf("%w: %d characters after %q, should be %d", ErrKeyText, len(text), prefix,
			keyEncoding.EncodedLen(size+checksumSize))
	}
	body, err := checkedBody(prefix, raw, err)
	if err != nil {
		return Key{}, err
	}
	secret := [secretSize]byte(body)
	if prefix == clusterPrefix {
		return clusterKey(secret), nil
	}
	return Key{prefix: prefix, secret: secret, nodeAuthority: [ed25519.PublicKeySize]byte(body[secretSize:])}, nil
}

// checkedBody is what a decoded text holds before its checksum. err is what decoding it said.
func checkedBody(prefix string, raw []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: it holds a character that keys never hold", ErrKeyText)
	}
	body, sum := raw[:len(raw)-checksumSize], raw[len(raw)-checksumSize:]
	if subtle.ConstantTimeCompare(sum, checksum(prefix, body)) != 1 {
		return nil, fmt.Errorf("%w: a character is wrong or two are swapped (the checksum does not match)", ErrKeyText)
	}
	return body, nil
}

// checksum tells typing errors, nothing more.
func checksum(prefix string, body []byte) []byte {
	sum := sha256.Sum256(append([]byte(prefix), body...))
	return sum[:checksumSize]
}
