package stand

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/child"
)

// OlricNode is the first argument of a process that is a node of Olric; the others are its address, that of its gossip, and
// the gossip addresses of those that run already.
const OlricNode = "olric-node"

// olrics is three nodes of Olric.
type olrics struct {
	servers
	addrs []string
}

func newOlrics(opt Options) (Stand, error) {
	const count = 3
	addrs, err := child.FreeAddrs(2 * count)
	if err != nil {
		return nil, err
	}
	s := &olrics{addrs: addrs[:count]}
	for i := range count {
		s.servers = append(s.servers, &child.Process{
			Name: fmt.Sprintf("olric-%d", i+1), Dir: opt.Dir,
			Args: []string{OlricNode, addrs[i], addrs[count+i], strings.Join(addrs[count:][:i], ",")},
		})
	}
	return s, nil
}

// Begin implements Stand. The first node is there before the others look for it.
func (s *olrics) Begin(ctx context.Context) error {
	for i := range s.servers {
		if err := s.servers[i].Start(); err != nil {
			return err
		}
		err := s.await(ctx, func(ctx context.Context) error {
			_, _, members, err := product.OlricCopies(ctx, s.addrs[:i+1])
			if err == nil && members != i+1 {
				err = fmt.Errorf("a node sees %d members of %d", members, i+1)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Generator implements Stand.
func (s *olrics) Generator(int) load.Setup {
	return load.Setup{Product: "olric", Addrs: slices.Clone(s.addrs)}
}

// Copies implements Stand.
func (s *olrics) Copies(ctx context.Context, _ []string, _ *load.Board, all int) error {
	sessions, copies, _, err := product.OlricCopies(ctx, s.addrs)
	if err == nil && (sessions < all || copies < all) {
		err = fmt.Errorf("%w: of %d sessions the nodes own %d and back up %d", load.ErrWrong, all, sessions, copies)
	}
	return err
}
