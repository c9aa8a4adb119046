package main

import (
	"fmt"
	"net"
	"net/rpc"
	"os"
	"strings"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/bench/peers/rounds"
	"github.com/sessnode/sessnode/bench/peers/stand"
	"github.com/sessnode/sessnode/node"
)

// roles are what this program is besides the one who measures: processes that it starts of itself.
var roles = map[string]func(args []string) error{
	rounds.Generate: generate,
	stand.Shop:      shop,
	stand.OlricNode: olric,
	"page":          page,
}

func main() {
	if len(os.Args) > 1 {
		if role, ok := roles[os.Args[1]]; ok {
			if err := role(os.Args[2:]); err != nil {
				fmt.Fprintln(os.Stderr, "peers:", err)
				os.Exit(1)
			}
			return
		}
	}
	opt, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // package flag has said why
	}
	alone, note, code := isolate()
	if alone {
		code = compare(opt, note)
	}
	os.Exit(code)
}

// shop serves until the process is killed.
func shop(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("%d arguments, 4 are needed", len(args))
	}
	nodes := strings.Split(args[3], ",")
	return product.Shop(args[1], node.Config{Name: args[0], Listen: args[2], Join: nodes, Expect: len(nodes)})
}

// olric serves until the process is killed.
func olric(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("%d arguments, 3 are needed", len(args))
	}
	return product.OlricNode(args[0], args[1], strings.FieldsFunc(args[2], func(r rune) bool { return r == ',' }))
}

// generate answers on the socket that it is given until the process is killed.
func generate(args []string) error {
	listener, err := net.Listen("unix", args[0])
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
