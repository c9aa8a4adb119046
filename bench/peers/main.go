package main

import (
	"context"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/signal"
	"syscall"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/bench/peers/report"
	"github.com/sessnode/sessnode/bench/peers/rounds"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == rounds.Generate {
		if err := generate(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	p := rounds.Quick()
	p.Products = []string{"redis", "remote", "embedded"}
	p.Sessnode = os.Args[1]
	p.Say = func(f string, a ...any) { fmt.Printf(f+"\n", a...) }
	if err := rounds.Run(ctx, p, func(string, string, report.Figures) {}); err != nil {
		fmt.Println(err)
	}
}

// generate answers on a socket until the process is killed.
func generate(socket string) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Generator", &load.Generator{OpenProduct: product.Open}); err != nil {
		return err
	}
	server.Accept(listener)
	return nil
}
