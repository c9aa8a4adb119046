package product

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"

	"github.com/buraksezer/olric"
	"github.com/buraksezer/olric/config"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// olricMap is the distributed map with the sessions.
const olricMap = "sessions"

// OlricNode runs a node of Olric until the process is killed: the configuration for a local network, with two copies.
func OlricNode(addr, gossip string, seeds []string) error {
	c := config.New("lan")
	var err error
	if c.BindAddr, c.BindPort, err = hostPort(addr); err != nil {
		return err
	}
	if c.MemberlistConfig.BindAddr, c.MemberlistConfig.BindPort, err = hostPort(gossip); err != nil {
		return err
	}
	c.MemberlistConfig.AdvertisePort = c.MemberlistConfig.BindPort
	c.Peers = seeds
	c.ReplicaCount = 2
	c.ReplicationMode = config.SyncReplicationMode // the default
	c.LogLevel, c.LogOutput = "ERROR", log.Writer()
	db, err := olric.New(c)
	if err != nil {
		return err
	}
	return db.Start()
}

func hostPort(addr string) (string, int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.Atoi(text)
	return host, number, err
}

// olricStore keeps sessions as values of a distributed map.
type olricStore struct {
	nowhere
	client *olric.ClusterClient
	dmap   olric.DMap
}

func openOlric(s load.Setup) (load.Product, error) {
	c, err := olric.NewClusterClient(s.Addrs, olric.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		return nil, err
	}
	m, err := c.NewDMap(olricMap)
	if err != nil {
		return nil, err
	}
	return &olricStore{client: c, dmap: m}, nil
}

// Create implements load.Product.
func (p *olricStore) Create(ctx context.Context, shape load.Shape, version uint64) (string, error) {
	return createValue(ctx, p, shape, version)
}

func (p *olricStore) put(ctx context.Context, id string, session []byte) error {
	return p.dmap.Put(ctx, id, session, olric.EX(load.Idle))
}

func (p *olricStore) get(ctx context.Context, id string) ([]byte, error) {
	answer, err := p.dmap.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return answer.Byte()
}

// Caller implements load.Product.
func (p *olricStore) Caller(pool *load.Pool, _ load.Way) load.Caller {
	return olricCaller{valueCaller{p, pool}, p}
}

// Close ends the connections.
func (p *olricStore) Close() error { return p.client.Close(context.Background()) }

type olricCaller struct {
	valueCaller
	p *olricStore
}

// Login implements load.Caller.
func (c olricCaller) Login(ctx context.Context) error {
	id, err := c.p.Create(ctx, c.pool.Shape, 1)
	if err != nil {
		return err
	}
	session, err := c.p.get(ctx, id)
	if err != nil {
		return err
	}
	renewed := rand.Text()
	if err := c.p.put(ctx, renewed, session); err != nil {
		return err
	}
	for _, old := range []string{id, renewed} {
		if _, err := c.p.dmap.Delete(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// OlricCopies is how many sessions nodes hold as owners and as backups.
func OlricCopies(ctx context.Context, addrs []string) (sessions, copies int, members int, err error) {
	c, err := olric.NewClusterClient(addrs, olric.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		return 0, 0, 0, err
	}
	defer c.Close(ctx)
	for _, addr := range addrs {
		s, err := c.Stats(ctx, addr)
		if err != nil {
			return 0, 0, 0, fmt.Errorf("%s: %w", addr, err)
		}
		for _, p := range s.Partitions {
			sessions += p.Length
		}
		for _, p := range s.Backups {
			copies += p.Length
		}
		members = len(s.ClusterMembers)
	}
	return sessions, copies, members, nil
}
