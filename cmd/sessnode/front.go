package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"github.com/sessnode/sessnode/child"
)

// show runs the demo for people, until ctx is done.
func (p *program) show(ctx context.Context, d *demo) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f, err := newFront(d, listener.Addr().String())
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f.handler(), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	stopped := context.AfterFunc(ctx, func() { server.Close() })
	defer stopped()
	fmt.Fprintf(p.out, "Open this in a browser; the page can kill and restart nodes:\n\n  http://%s/#%s\n\n", f.host, f.token)
	for i, s := range d.shops {
		fmt.Fprintf(p.out, "%-7s %s/\n", s.Name, d.shopURLs[i])
	}
	for i, n := range d.nodes {
		fmt.Fprintf(p.out, "%-7s %s   process %d\n", n.Name, d.nodeAddrs[i], n.PID())
	}
	fmt.Fprintf(p.out, "\nIn another terminal: %s status -node %s\nCtrl-C ends all of it.\n", p.typed(), d.nodeAddrs[0])
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// front is the way into the demo: it passes requests on to any application server, as a load balancer without sticky
// sessions does, and it kills and starts nodes.
//
// As it ends processes, it does so only for who knows the token, which stands in the printed address behind the '#' and so
// never travels in a request line; only for a page of its own (Origin); and only under its own name (Host), so that no other
// site's name can be pointed at it.
type front struct {
	demo  *demo
	host  string // host:port that it listens on, and answers to
	token string
	shops []http.Handler
}

func newFront(d *demo, host string) (*front, error) {
	f := &front{demo: d, host: host, token: rand.Text()}
	for _, shop := range d.shopURLs {
		target, err := url.Parse(shop)
		if err != nil {
			return nil, err
		}
		f.shops = append(f.shops, &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Host = r.In.Host // the shop decides by it whether its cookie must be Secure
			},
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, err.Error(), http.StatusBadGateway)
			},
		})
	}
	return f, nil
}

func (f *front) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", f.passOn)
	mux.HandleFunc("/control/", http.NotFound)
	mux.HandleFunc("GET /control/nodes", f.list)
	mux.HandleFunc("POST /control/kill/{node}", f.guarded(f.kill))
	mux.HandleFunc("POST /control/start/{node}", f.guarded(f.start))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != f.host {
			http.Error(w, "This is "+f.host+".", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// passOn has any application server answer.
func (f *front) passOn(w http.ResponseWriter, r *http.Request) {
	f.shops[mathrand.IntN(len(f.shops))].ServeHTTP(w, r)
}

// nodeAnswer is a node as the page shows it.
type nodeAnswer struct {
	Name string `json:"name"`
	PID  int    `json:"pid"` // 0: dead
}

// list answers which nodes' processes run.
func (f *front) list(w http.ResponseWriter, _ *http.Request) {
	var list []nodeAnswer
	for _, n := range f.demo.nodes {
		list = append(list, nodeAnswer{n.Name, n.PID()})
	}
	answer(w, list)
}

func (f *front) kill(w http.ResponseWriter, _ *http.Request, n *child.Process) {
	n.Kill()
	w.WriteHeader(http.StatusNoContent)
}

func (f *front) start(w http.ResponseWriter, _ *http.Request, n *child.Process) {
	if err := n.Start(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// guarded lets only the demo's own page do something to a node.
func (f *front) guarded(do func(http.ResponseWriter, *http.Request, *child.Process)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("X-Demo-Token")
		if r.Header.Get("Origin") != "http://"+f.host || subtle.ConstantTimeCompare([]byte(token), []byte(f.token)) != 1 {
			http.Error(w, "Open the address that 'sessnode demo' printed.", http.StatusForbidden)
			return
		}
		i := slices.IndexFunc(f.demo.nodes, func(n *child.Process) bool { return n.Name == r.PathValue("node") })
		if i < 0 {
			http.NotFound(w, r)
			return
		}
		do(w, r, f.demo.nodes[i])
	}
}
