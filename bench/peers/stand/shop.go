package stand

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/child"
)

// Shop is the first argument of a process that is an application server with a node in it; the others are its name, the
// address of HTTP, that of the node, and those of all nodes.
const Shop = "shop"

// shops is three application servers.
type shops struct {
	*sessnode
	addrs []string // of HTTP
}

func newShops(opt Options) (Stand, error) {
	nodes, err := layOut(opt)
	if err != nil {
		return nil, err
	}
	s := &shops{sessnode: nodes}
	if s.addrs, err = child.FreeAddrs(len(nodes.addrs)); err != nil {
		return nil, err
	}
	for i, addr := range nodes.addrs {
		s.servers = append(s.servers, &child.Process{
			Name: fmt.Sprintf("shop-%d", i+1), Dir: opt.Dir,
			Args: []string{Shop, product.NodeName(i), s.addrs[i], addr, strings.Join(nodes.addrs, ",")},
		})
	}
	return s, nil
}

// Begin implements Stand.
func (s *shops) Begin(ctx context.Context) error {
	if err := s.start(); err != nil {
		return err
	}
	return s.await(ctx, func(context.Context) error { return answering(s.addrs) })
}

// answering reports the first address at which nobody takes a connection.
func answering(addrs []string) error {
	for _, addr := range addrs {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		_ = conn.Close() // nothing was sent
	}
	return nil
}

// Generator implements Stand.
func (s *shops) Generator(int) load.Setup {
	return load.Setup{Product: "http", Addrs: s.addrs}
}
