package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"
)

// shopApp is the namespace of the shop's sessions.
const shopApp = "shop"

func (p *program) shopCommand() *ffcli.Command {
	flags := newFlags("shop")
	conn := connection{app: shopApp}
	conn.define(flags)
	bind := flags.String("bind", "127.0.0.1:8080", "`ADDRESS` to listen on, HTTP; port 0 for any")
	name := flags.String("name", "shop", "`NAME` shown on the page")
	return &ffcli.Command{
		Name:       "shop",
		ShortUsage: "sessnode shop [-node ADDRESS[,ADDRESS…]] [flags]",
		ShortHelp:  "the example application: a shop with carts in sessions",
		LongHelp: `It is what 'sessnode demo' starts twice. It shows how a web application uses the client library; its source is
cmd/sessnode/shop.go. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode shop -node 127.0.0.1:7946 -bind 127.0.0.1:8080`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			return p.serveShop(ctx, conn, *bind, *name)
		},
	}
}

// serveShop runs the shop until ctx is done. The time limits of the HTTP server are longer than a request may wait for its
// session.
func (p *program) serveShop(ctx context.Context, conn connection, bind, name string) error {
	listener, err := net.Listen("tcp", bind)
	if err != nil {
		return fmt.Errorf("%w: choose another address with -bind", err)
	}
	defer listener.Close()
	c, err := p.dial(ctx, conn)
	if err != nil {
		return err
	}
	defer c.Close()
	server := &http.Server{
		Handler:           newShop(name, c, c).handler(),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
	}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	fmt.Fprintf(p.out, "%s is open at http://%s/\n", name, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
