package product

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// Shop runs an application server: net/http, the middleware, and a node in the process. It serves until the process is
// killed. conf is the node's.
func Shop(httpAddr string, conf node.Config) error {
	conf.Log = slog.New(slog.DiscardHandler)
	n, _, err := RunNode(conf)
	if err != nil {
		return err
	}
	site := sites["http"]
	sessions, err := client.ManagerConfig{Store: n, Cookie: client.Cookie{Name: site.Cookie}, RouteCookie: site.RouteCookie}.Build()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", httpAddr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+site.Path, sessions.Wrap(http.HandlerFunc(handle)))
	return http.Serve(listener, mux)
}

// handle does to the visitor's session what the query asks for, and answers the version that it had.
func handle(w http.ResponseWriter, r *http.Request) {
	query, s := r.URL.Query(), client.FromContext(r.Context())
	asked, err := strconv.ParseUint(query.Get("v"), 10, 64)
	number := func(name string) int {
		n, e := strconv.Atoi(query.Get(name))
		if e != nil && err == nil {
			err = e
		}
		return n
	}
	version := uint64(0)
	switch {
	case err != nil:
	case query.Get("op") == "create":
		shape := load.Shape{Attributes: number("attributes"), Bytes: number("bytes"), Changed: number("changed")}
		if err == nil {
			err = create(s, shape, asked)
		}
	case query.Get("op") == "cart":
		shape := load.Shape{Changed: number("changed")}
		if version, err = read(s); err == nil {
			err = client.Set(s, load.ChangedName, shape.Value(asked))
		}
	case query.Get("op") == "browse":
		version, err = read(s)
	case query.Get("op") == "renew":
		err = s.RenewID()
	case query.Get("op") == "destroy":
		err = s.Destroy()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, version)
}

func create(s *client.Session, shape load.Shape, version uint64) error {
	for i, name := range shape.Names() {
		value := shape.Fill(i)
		if name == load.ChangedName {
			value = shape.Value(version)
		}
		if err := client.Set(s, name, value); err != nil {
			return err
		}
	}
	return nil
}

func read(s *client.Session) (uint64, error) {
	value, err := client.Get[[]byte](s, load.ChangedName)
	if err != nil {
		return 0, err
	}
	return load.Version(value)
}
