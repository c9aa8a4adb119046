package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// Config configures [Dial]. Everything but Nodes may be left zero.
type Config struct {
	// Nodes are seeds, host:port, names resolved: any one that answers is enough, the rest of the cluster is learnt.
	Nodes []string
	App   string // namespace of the sessions; default that of an application key, or AppDefault
	// Key is the cluster's client key, one of its application keys, or its cluster key, which [Client.Status] needs. Default:
	// the development key, for loopback only. A key that lies in a file is read with
	//
	//	text, err := os.ReadFile("client.key")
	//	key, err := wire.ParseKey(string(text)) // white space around it does not matter
	//	c, err := client.Dial(ctx, client.Config{Nodes: nodes, Key: key})
	Key    wire.Key
	Accept []wire.Key // further keys that nodes may have, while keys are being changed
	// PKI is certificates of the operator's own, see [wire.LoadPKI], used in place of those of Key, which is then not needed.
	PKI *wire.PKI

	// Timeout is the longest wait for a request, and for Dial without a deadline; default 5 s, at most 30 s. Nodes drop a
	// commit that arrives later by their clock: ours must not be behind theirs by as much.
	Timeout     time.Duration
	InFlightMax int // requests under way; more fail with ErrOverloaded; default 4096
	ConnsMax    int // connections; members beyond it are asked through others; default 128
	// CacheBytes is how much of the sessions loaded last is kept, about, so that they need not travel again; default
	// 64 MiB, negative: nothing. Every load asks the slot's primary all the same. What is kept of a session that ended
	// stays in memory until it is pushed out or asked for.
	CacheBytes int

	// PacketConn is used instead of a socket of the client's own; Dial takes it over, and closes it also when it fails.
	// Resolve replaces DNS. For simulated networks.
	PacketConn net.PacketConn
	Resolve    func(ctx context.Context, addr string) ([]net.Addr, error)

	Log *slog.Logger // default slog.Default()
}

const (
	inFlightMaxDefault = 4096
	inFlightMaxLimit   = 1 << callIndexBits
	connsMaxDefault    = 128
	cacheBytesDefault  = 64 << 20
	timeoutMax         = 30 * time.Second // well under replica.Limits.RequestAgeMax
)

func (c Config) withDefaults() Config {
	c.App = cmp.Or(c.App, c.boundTo(), AppDefault)
	c.Timeout = cmp.Or(c.Timeout, timeoutDefault)
	c.InFlightMax = cmp.Or(c.InFlightMax, inFlightMaxDefault)
	c.ConnsMax = cmp.Or(c.ConnsMax, connsMaxDefault)
	c.CacheBytes = cmp.Or(c.CacheBytes, cacheBytesDefault)
	if c.Key.IsZero() {
		c.Key = wire.DevelopmentKey()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// boundTo is the application that the key or certificate is bound to; empty if to none.
func (c *Config) boundTo() string {
	if c.PKI != nil {
		return c.PKI.App()
	}
	return c.Key.App()
}

// isKeyless reports whether nothing but the development key tells nodes who this is.
func (c *Config) isKeyless() bool { return c.PKI == nil && c.Key.IsDevelopment() }

// Validate reports the first field that cannot work.
func (c Config) Validate() error {
	if len(c.Nodes) == 0 {
		return errors.New("client: no node to dial is named")
	}
	for _, addr := range c.Nodes {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return fmt.Errorf("client: node %q should be host:port: %w", addr, err)
		}
	}
	c = c.withDefaults()
	switch {
	case len(c.App) > replica.AppLenMax:
		return fmt.Errorf("client: application name of %d bytes, limit %d", len(c.App), replica.AppLenMax)
	case c.boundTo() != "" && c.boundTo() != c.App:
		return fmt.Errorf("client: application %q with the key of %q: %w", c.App, c.boundTo(), wire.ErrAppKey)
	case c.Timeout < 0 || c.Timeout > timeoutMax:
		return fmt.Errorf("client: Timeout is %v; it must be positive and at most %v", c.Timeout, timeoutMax)
	case c.InFlightMax < 1 || c.InFlightMax > inFlightMaxLimit:
		return fmt.Errorf("client: InFlightMax is %d; it must be 1 to %d", c.InFlightMax, inFlightMaxLimit)
	case c.ConnsMax < len(c.Nodes):
		return fmt.Errorf("client: ConnsMax is %d; it must be at least the number of nodes named, %d", c.ConnsMax, len(c.Nodes))
	}
	return nil
}
