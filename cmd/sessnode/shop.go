package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

// This file is the example of a web application on sessnode: a shop whose carts live in sessions. Its handlers get and
// set attributes; loading the session, committing it before the response leaves and answering when that fails is the
// middleware's business. Two copies of this application need not know of each other.

// shop is one application server.
type shop struct {
	name     string // shown on the page
	sessions *client.Manager
	cluster  cluster
}

// cluster tells where sessions are; a *client.Client does. Only the page's picture of the nodes needs it.
type cluster interface {
	Locate(ctx context.Context, id string) (replica.Location, error)
	Members() []replica.Member
}

// cart is how many pieces of each item somebody wants; it is kept as the attribute "cart".
type cart map[string]int

// pieces is how many there are together.
func (c cart) pieces() (n int) {
	for _, count := range c {
		n += count
	}
	return n
}

// items is what the shop sells.
var items = map[string]bool{"apple": true, "bread": true, "cheese": true}

// cookieName is the cookie that carries the session's id.
const cookieName = "sid"

// newShop makes the application over a store of sessions.
func newShop(name string, store client.Store, where cluster) *shop {
	return &shop{name: name, sessions: client.NewManager(store, client.Cookie{Name: cookieName}), cluster: where}
}

// handler serves the page and what its script asks for. Everything inside Wrap has a session.
func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /api/cart", s.show)
	mux.HandleFunc("POST /api/cart/{item}", s.add)
	mux.HandleFunc("DELETE /api/cart/{item}", s.remove)
	mux.HandleFunc("POST /api/visit", s.visit)
	mux.HandleFunc("GET /api/where", s.where)
	return s.sessions.Wrap(mux)
}

// show answers what is in the cart.
func (s *shop) show(w http.ResponseWriter, r *http.Request) {
	c, err := client.Get[cart](client.FromContext(r.Context()), "cart")
	if err != nil {
		return // nothing to clean up: the middleware answers that the session could not be loaded
	}
	s.answerCart(w, r, c)
}

// add puts a piece into the cart. The first one begins the visitor's session.
func (s *shop) add(w http.ResponseWriter, r *http.Request) { s.change(w, r, +1) }

// remove takes a piece out.
func (s *shop) remove(w http.ResponseWriter, r *http.Request) { s.change(w, r, -1) }

func (s *shop) change(w http.ResponseWriter, r *http.Request, by int) {
	item := r.PathValue("item")
	if !items[item] {
		http.Error(w, "The shop does not sell that.", http.StatusNotFound)
		return
	}
	session := client.FromContext(r.Context())
	c, err := client.Get[cart](session, "cart")
	if err != nil {
		return
	}
	if c == nil {
		c = cart{}
	}
	if c[item] += by; c[item] <= 0 {
		delete(c, item)
	}
	if err := client.Set(session, "cart", c); err != nil {
		return
	}
	s.answerCart(w, r, c) // is held back until the new cart is on two nodes
}

// visit counts up by itself what the page asks for by itself. It is another attribute than the cart, so that a visit and
// a purchase at the same moment do not overwrite each other.
func (s *shop) visit(w http.ResponseWriter, r *http.Request) {
	session := client.FromContext(r.Context())
	n, err := client.Get[int](session, "visits")
	if err != nil {
		return
	}
	if err := client.Set(session, "visits", n+1); err != nil {
		return
	}
	s.show(w, r)
}

// cartAnswer is what the page learns of the session's contents.
type cartAnswer struct {
	Server string `json:"server"` // the application server that answered
	Items  cart   `json:"items"`
	Pieces int    `json:"pieces"`
	Visits int    `json:"visits"`
}

func (s *shop) answerCart(w http.ResponseWriter, r *http.Request, c cart) {
	visits, err := client.Get[int](client.FromContext(r.Context()), "visits")
	if err != nil {
		return
	}
	answer(w, cartAnswer{Server: s.name, Items: c, Pieces: c.pieces(), Visits: visits})
}

// whereAnswer is what the page learns of the cluster.
type whereAnswer struct {
	Server  string   `json:"server"`
	Slot    uint32   `json:"slot"`
	Epoch   uint64   `json:"epoch"`
	Primary string   `json:"primary"` // empty while there is none, and without a session
	Backups []string `json:"backups"`
	Members []string `json:"members"` // believed alive
}

// where answers which nodes hold the visitor's session.
func (s *shop) where(w http.ResponseWriter, r *http.Request) {
	where := whereAnswer{Server: s.name, Backups: []string{}, Members: []string{}}
	for _, m := range s.cluster.Members() {
		where.Members = append(where.Members, m.Name)
	}
	slices.Sort(where.Members)
	where.Members = slices.Compact(where.Members) // a node that was just restarted is listed with both of its runs
	if cookie, err := r.Cookie(cookieName); err == nil && replica.WellFormedID(cookie.Value) {
		location, err := s.cluster.Locate(r.Context(), cookie.Value)
		if err != nil {
			http.Error(w, "The session cannot be located.", http.StatusInternalServerError)
			return
		}
		where.Slot, where.Epoch, where.Primary = location.Slot, location.Epoch, location.Primary.Name
		for _, m := range location.Backups {
			where.Backups = append(where.Backups, m.Name)
		}
	}
	answer(w, where)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // only a visitor who hung up makes it fail
}

//go:embed shop.html
var pageHTML []byte

// page is the shop's one page. It works offline: styles and script are in it.
func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'")
	_, _ = w.Write(pageHTML) // as in answer
}
