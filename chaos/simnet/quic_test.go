package simnet_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/sessnode/sessnode/chaos/simnet"
)

func TestQUICOverABadNetwork(t *testing.T) {
	cfg := simnet.Config{
		Latency: 10 * time.Millisecond, Jitter: 2 * time.Millisecond, Loss: 0.05, Duplicate: 0.02, Reorder: 0.02,
	}
	inBubble(t, cfg, func(t *testing.T, n *simnet.Network) {
		serve(t, listen(t, n, hostA))
		c := dial(t, listen(t, n, hostB))
		message := bytes.Repeat([]byte("sessnode"), 32<<10)
		got, err := echo(c, message)
		if err != nil || !bytes.Equal(got, message) {
			t.Errorf("echo of %d bytes = %d bytes, %v", len(message), len(got), err)
		}
		if s := n.Stats(); s.DroppedLoss == 0 || s.Duplicated == 0 || s.Reordered == 0 {
			t.Errorf("a fault did not bite: %+v", s)
		}
	})
}

func TestQUICSurvivesAShortCutOnly(t *testing.T) {
	inBubble(t, simnet.Config{Latency: time.Millisecond}, func(t *testing.T, n *simnet.Network) {
		serve(t, listen(t, n, hostA))
		c := dial(t, listen(t, n, hostB))
		n.CutOneWay(hostA, hostB)
		time.AfterFunc(idleTimeout/2, n.Heal)
		if got, err := echo(c, []byte("x")); err != nil || string(got) != "x" {
			t.Errorf("echo over a short cut = %q, %v", got, err)
		}
		n.Cut(hostA, hostB)
		_, err := echo(c, []byte("x"))
		var timeout *quic.IdleTimeoutError
		if !errors.As(err, &timeout) {
			t.Errorf("echo over a long cut: %v, want an idle timeout", err)
		}
		if n.StatsOf(hostA, hostB).DroppedCut == 0 || n.StatsOf(hostB, hostA).DroppedCut == 0 {
			t.Errorf("a cut did not bite: %+v", n.Stats())
		}
	})
}

func TestQUICKillAndRestart(t *testing.T) {
	inBubble(t, simnet.Config{Latency: time.Millisecond}, func(t *testing.T, n *simnet.Network) {
		server, client := listen(t, n, hostA), listen(t, n, hostB)
		serve(t, server)
		c := dial(t, client)
		server.Close()
		var timeout *quic.IdleTimeoutError
		if _, err := echo(c, []byte("x")); !errors.As(err, &timeout) {
			t.Errorf("echo from the dead: %v, want an idle timeout", err)
		}
		serve(t, listen(t, n, hostA))
		c = dial(t, listen(t, n, hostC))
		if got, err := echo(c, []byte("x")); err != nil || string(got) != "x" {
			t.Errorf("echo after the restart = %q, %v", got, err)
		}
	})
}

// A quic.Transport does not close a Conn that it was given: its Close sets a read deadline, and takes it back.
func TestQUICTransportGivesTheConnBack(t *testing.T) {
	inBubble(t, simnet.Config{}, func(t *testing.T, n *simnet.Network) {
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		transport := &quic.Transport{Conn: b}
		if _, err := transport.Listen(serverTLS(t), quicConfig()); err != nil {
			t.Fatal(err)
		}
		if err := transport.Close(); err != nil {
			t.Fatal(err)
		}
		send(t, a, b, "x")
		wantReceived(t, b, "x")
	})
}

const idleTimeout = 4 * time.Second

func quicConfig() *quic.Config {
	return &quic.Config{MaxIdleTimeout: idleTimeout, HandshakeIdleTimeout: idleTimeout}
}

// serve echoes every stream of every connection until the test or the socket ends.
func serve(t *testing.T, conn net.PacketConn) {
	t.Helper()
	transport := &quic.Transport{Conn: conn}
	listener, err := transport.Listen(serverTLS(t), quicConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { transport.Close() })
	go func() {
		for {
			c, err := listener.Accept(context.Background())
			if err != nil {
				return
			}
			go func() {
				for {
					s, err := c.AcceptStream(context.Background())
					if err != nil {
						return
					}
					io.Copy(s, s) // an error here shows at the client
					s.Close()
				}
			}()
		}
	}()
}

func dial(t *testing.T, conn net.PacketConn) *quic.Conn {
	t.Helper()
	transport := &quic.Transport{Conn: conn}
	t.Cleanup(func() { transport.Close() })
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"echo"}}
	server := &net.UDPAddr{IP: net.ParseIP(hostA), Port: 7946}
	c, err := transport.Dial(t.Context(), server, config, quicConfig())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func echo(c *quic.Conn, message []byte) ([]byte, error) {
	s, err := c.OpenStreamSync(context.Background())
	if err != nil {
		return nil, err
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := s.Write(message)
		wrote <- errors.Join(err, s.Close())
	}()
	got, err := io.ReadAll(s)
	return got, errors.Join(err, <-wrote)
}

// serverTLS makes a certificate on the bubble's clock, which starts in the year 2000.
func serverTLS(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"echo"}}
}
