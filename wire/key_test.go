package wire

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestKeyText(t *testing.T) {
	cluster := testKey(t, 1)
	client, err := cluster.ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []Key{cluster, client, DevelopmentKey()} {
		for _, text := range []string{key.Text(), " " + strings.ToUpper(key.Text()) + "\n"} {
			got, err := ParseKey(text)
			if err != nil || got != key {
				t.Errorf("ParseKey(%q) = %v, %v, want %v", text, got, err, key)
			}
		}
	}
}

// The text form is stored in files of operators: it must not change.
func TestKeyTextIsPinned(t *testing.T) {
	cluster := testKey(t, 1)
	client, _ := cluster.ClientKey()
	gossip, _ := cluster.GossipKey()
	for _, c := range []struct{ name, got, want string }{
		{"cluster", cluster.Text(), "sessnode-cluster-aeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeaqcaibaeatboe42m"},
		{"client", client.Text(), "sessnode-client-" +
			"mvm74g6dqdfyfxnx73sl5svlhtvve6t3tovwlioc4jehu2ri2oragg4r7cdxokxmgj7lcsigomklpc7mkgchivyvssrddhtmwl5x42peplfwk"},
		{"gossip", fmt.Sprintf("%x", gossip), "d246a0d9664f39de1363db8ec4ce9034293979dee8e1fb07caabfe8e1c80205c"},
		{"fingerprint", cluster.Fingerprint(), "d565487c46f2e5cd"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestParseKeyTellsTyposFromKeys(t *testing.T) {
	text := testKey(t, 1).Text()
	swapped := []byte(text)
	swapped[20], swapped[21] = swapped[21], swapped[20]
	wrong := []byte(text)
	wrong[30] ^= 'a' ^ 'b'
	for name, bad := range map[string]string{
		"empty":      "",
		"prefix":     strings.TrimPrefix(text, "sessnode-"),
		"kind":       strings.Replace(text, "cluster", "client", 1),
		"short":      text[:len(text)-1],
		"long":       text + "a",
		"character":  text[:30] + "!" + text[31:],
		"wrong":      string(wrong),
		"swapped":    string(swapped),
		"very long":  strings.Repeat("a", 10_000),
		"only brand": "sessnode-cluster-",
	} {
		if name == "swapped" && string(swapped) == text {
			t.Fatal("the test swaps equal characters")
		}
		got, err := ParseKey(bad)
		if !errors.Is(err, ErrKeyText) || got != (Key{}) {
			t.Errorf("%s: got %v, %v, want ErrKeyText", name, got, err)
		}
		if err != nil && len(bad) > 30 && strings.Contains(err.Error(), bad[20:]) {
			t.Errorf("%s: error repeats the key: %v", name, err)
		}
	}
}

func TestClientKeyIsOneWay(t *testing.T) {
	cluster := testKey(t, 1)
	client, err := cluster.ClientKey()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := cluster.ClientKey(); again != client {
		t.Error("the same cluster key gave two client keys")
	}
	if other, _ := testKey(t, 2).ClientKey(); other == client {
		t.Error("two cluster keys gave the same client key")
	}
	if twice, err := client.ClientKey(); err != nil || twice != client {
		t.Errorf("client key of a client key: got %v, %v, want itself", twice, err)
	}
	if client.Fingerprint() != cluster.Fingerprint() {
		t.Error("client key has another fingerprint than its cluster key")
	}
	if _, err := client.GossipKey(); !errors.Is(err, ErrClientKey) {
		t.Errorf("gossip key of a client key: got %v, want ErrClientKey", err)
	}
	// What the holder can compute from the secret must not be the node authority.
	if public := client.nodeSigner().Public().(ed25519.PublicKey); bytes.Equal(client.nodeAuthority[:], public) {
		t.Error("client key yields the node authority")
	}
	if bytes.Contains([]byte(client.Text()), []byte(cluster.Text()[len(clusterPrefix):][:20])) {
		t.Error("client key holds the cluster secret")
	}
}

func TestKeyDoesNotPrintItsSecret(t *testing.T) {
	key := testKey(t, 1)
	secret := strings.TrimPrefix(key.Text(), clusterPrefix)[:16]
	for _, format := range []string{"%v", "%s", "%+v", "%#v", "%q"} {
		for _, value := range []any{key, &key, struct{ K Key }{key}} {
			got := fmt.Sprintf(format, value)
			if strings.Contains(got, secret) || strings.Contains(got, "1, 1, 1") || strings.Contains(got, "1 1 1") {
				t.Errorf("%s of %T shows the secret: %s", format, value, got)
			}
		}
	}
}

func TestGenerateKeyNeedsRandom(t *testing.T) {
	if _, err := GenerateKey(strings.NewReader("too short")); err == nil {
		t.Error("a key was made of nine bytes")
	}
}

func FuzzParseKey(f *testing.F) {
	client, _ := testKey(f, 1).ClientKey()
	f.Add(testKey(f, 1).Text())
	f.Add(client.Text())
	f.Add("sessnode-cluster-aaaa")
	f.Fuzz(func(t *testing.T, text string) {
		key, err := ParseKey(text)
		if err != nil {
			if !errors.Is(err, ErrKeyText) || key != (Key{}) {
				t.Fatalf("ParseKey(%q) = %v, %v", text, key, err)
			}
			return
		}
		if again, err := ParseKey(key.Text()); err != nil || again != key {
			t.Fatalf("round trip of %q: %v, %v", text, again, err)
		}
	})
}
