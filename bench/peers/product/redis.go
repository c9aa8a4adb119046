package product

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// waitLimit is how long WAIT waits for the replica: less than the client waits for an answer.
const waitLimit = 2 * time.Second

// redisStore keeps sessions as values of a Redis primary; WAIT 1 has the replica acknowledge.
type redisStore struct {
	nowhere
	client *redis.Client
}

func openRedis(s load.Setup) (load.Product, error) {
	opt := &redis.Options{Addr: s.Addrs[0]}
	c := redis.NewClient(opt)
	if err := c.Ping(context.Background()).Err(); err != nil {
		return nil, err
	}
	return &redisStore{client: c}, nil
}

// Create implements load.Product.
func (p *redisStore) Create(ctx context.Context, shape load.Shape, version uint64) (string, error) {
	return createValue(ctx, p, shape, version)
}

func (p *redisStore) get(ctx context.Context, id string) ([]byte, error) {
	return p.client.Get(ctx, id).Bytes()
}

// put stores a session on both nodes, in one round trip.
func (p *redisStore) put(ctx context.Context, id string, session []byte) error {
	return p.durably(ctx, func(pipe redis.Pipeliner) { pipe.Set(ctx, id, session, load.Idle) })
}

// durably does something and has the replica acknowledge it.
func (p *redisStore) durably(ctx context.Context, do func(redis.Pipeliner)) error {
	pipe := p.client.Pipeline()
	do(pipe)
	acknowledged := pipe.Do(ctx, "WAIT", 1, waitLimit.Milliseconds())
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if n, err := acknowledged.Int(); err != nil || n < 1 {
		return fmt.Errorf("%w: no replica acknowledged within %v", load.ErrWrong, waitLimit)
	}
	return nil
}

// Caller implements load.Product.
func (p *redisStore) Caller(pool *load.Pool, _ load.Way) load.Caller {
	return redisCaller{valueCaller{p, pool}, p}
}

// Close ends the connections.
func (p *redisStore) Close() error { return p.client.Close() }

type redisCaller struct {
	valueCaller
	p *redisStore
}

// Login implements load.Caller.
func (c redisCaller) Login(ctx context.Context) error {
	id, err := c.p.Create(ctx, c.pool.Shape, 1)
	if err != nil {
		return err
	}
	renewed := rand.Text()
	if err := c.p.durably(ctx, func(pipe redis.Pipeliner) { pipe.Rename(ctx, id, renewed) }); err != nil {
		return err
	}
	return c.p.durably(ctx, func(pipe redis.Pipeliner) { pipe.Del(ctx, renewed) })
}

// VerifyRedis compares what one server holds with what was acknowledged.
func VerifyRedis(ctx context.Context, addr string, ids []string, board *load.Board) error {
	c := redis.NewClient(&redis.Options{Addr: addr})
	defer c.Close()
	for i, id := range ids {
		value, err := c.Get(ctx, id).Bytes()
		if err != nil {
			return fmt.Errorf("%w: session %d on %s: %w", load.ErrWrong, i, addr, err)
		}
		read, err := decode(value)
		want, certain := board.Version(i)
		if err != nil || read != want && (certain || read != want+1) {
			return fmt.Errorf("%w: session %d on %s has version %d, %d was acknowledged (%v)", load.ErrWrong, i, addr, read, want, err)
		}
	}
	return nil
}
