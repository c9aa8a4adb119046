// Affinity is an application server with a sessnode node in its own process, for running behind a proxy that sends each
// request to the server whose node is primary of the visitor's session; haproxy.cfg and nginx.conf beside this file are
// two such proxies. Three of it on one machine:
//
//	go run ./examples/affinity -name a -http 127.0.0.1:8081 -node 127.0.0.1:7946
//	go run ./examples/affinity -name b -http 127.0.0.1:8082 -node 127.0.0.1:7947
//	go run ./examples/affinity -name c -http 127.0.0.1:8083 -node 127.0.0.1:7948
//	haproxy -db -f examples/affinity/haproxy.cfg
//	curl -c jar -b jar -d user=ada http://127.0.0.1:8080/login
//	curl -c jar -b jar -i http://127.0.0.1:8080/
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// routeCookie is what the proxies look at.
const routeCookie = "route"

func main() {
	name := flag.String("name", "a", "of the node and of this server; the proxies' configurations have it too")
	listen := flag.String("http", "127.0.0.1:8081", "where browsers, or the proxy, ask")
	bind := flag.String("node", "127.0.0.1:7946", "the node's UDP address")
	join := flag.String("join", "127.0.0.1:7946,127.0.0.1:7947,127.0.0.1:7948", "the nodes that found the cluster together")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, node.Config{Name: *name, Listen: *bind, Join: strings.Split(*join, ",")}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

// run serves until ctx is done, then hands everything over.
func run(ctx context.Context, listen string, conf node.Config) error {
	n, err := node.New(conf)
	if err != nil {
		return err
	}
	app, err := newApp(n)
	if err != nil {
		return errors.Join(err, n.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	left := make(chan error, 1)
	server := &http.Server{Addr: listen, Handler: app}
	go func() {
		left <- n.Run(ctx) // while it hands over it serves still, and so does the server
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending) // what is not done by then is cut off
	}()
	if err = server.ListenAndServe(); err == http.ErrServerClosed {
		err = nil
	}
	stop()
	return errors.Join(err, <-left)
}

// newApp is the application on a node in the same process.
func newApp(n *node.Node) (http.Handler, error) {
	sessions, err := client.ManagerConfig{Store: n, RouteCookie: routeCookie}.Build()
	if err != nil {
		return nil, err
	}
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", visit)
	pages.HandleFunc("POST /login", login)
	pages.HandleFunc("POST /logout", logout)
	all := http.NewServeMux()
	all.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, reason := n.Ready(); !ready {
			http.Error(w, reason, http.StatusServiceUnavailable)
		}
	})
	all.Handle("/", sessions.Wrap(pages))
	name := n.Member().Name
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served-By", name) // for the tests, and for who is curious
		all.ServeHTTP(w, r)
	}), nil
}

// login begins a session.
func login(w http.ResponseWriter, r *http.Request) {
	if err := client.Set(client.FromContext(r.Context()), "user", r.FormValue("user")); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

// visit counts the visits of a user.
func visit(w http.ResponseWriter, r *http.Request) {
	s := client.FromContext(r.Context())
	user, err := client.Get[string](s, "user")
	if err != nil {
		return // the middleware answers that the session could not be loaded
	}
	if user == "" {
		http.Error(w, "log in first", http.StatusUnauthorized)
		return
	}
	visits, err := client.Get[int](s, "visits")
	if err == nil {
		err = client.Set(s, "visits", visits+1)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "%s %d\n", user, visits+1)
}

// logout ends the session, and the route hint with it.
func logout(w http.ResponseWriter, r *http.Request) {
	if err := client.FromContext(r.Context()).Destroy(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
