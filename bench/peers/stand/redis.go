package stand

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/child"
)

// redisPair is a primary and its replica.
type redisPair struct {
	servers
	addrs []string
}

func newRedis(opt Options) (Stand, error) {
	addrs, err := child.FreeAddrs(2)
	if err != nil {
		return nil, err
	}
	s := &redisPair{addrs: addrs}
	for i, addr := range addrs {
		name := fmt.Sprintf("redis-%d", i+1)
		dir := filepath.Join(opt.Dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		args := []string{"--bind", host, "--port", port, "--dir", dir}
		if i > 0 {
			args = append(args, "--replicaof", strings.Replace(addrs[0], ":", " ", 1))
		}
		s.servers = append(s.servers, &child.Process{Name: name, Dir: opt.Dir, Binary: "redis-server", Args: args})
	}
	return s, nil
}

// Begin implements Stand.
func (s *redisPair) Begin(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	c := redis.NewClient(&redis.Options{Addr: s.addrs[0]})
	defer c.Close()
	return s.await(ctx, func(ctx context.Context) error {
		text, err := c.Info(ctx, "replication").Result()
		if err == nil && !strings.Contains(text, "state=online") {
			err = fmt.Errorf("no replica is online")
		}
		return err
	})
}

// Generator implements Stand.
func (s *redisPair) Generator(int) load.Setup {
	return load.Setup{Product: "redis", Addrs: s.addrs}
}

// Copies implements Stand: the replica is asked for each session.
func (s *redisPair) Copies(ctx context.Context, ids []string, board *load.Board, _ int) error {
	return product.VerifyRedis(ctx, s.addrs[1], ids, board)
}

// UsedBytes is what each server says that its data takes.
func (s *redisPair) UsedBytes(ctx context.Context) (sum float64, err error) {
	for _, addr := range s.addrs {
		c := redis.NewClient(&redis.Options{Addr: addr})
		text, err := c.Info(ctx, "memory").Result()
		_ = c.Close() // nothing was written
		if err != nil {
			return 0, err
		}
		_, line, _ := strings.Cut(text, "used_memory:")
		var used float64
		if _, err := fmt.Sscan(line, &used); err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}
