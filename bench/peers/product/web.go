package product

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// Site is how application servers are spoken to over HTTP. The path and its query say what to do with the visitor's session.
type Site struct {
	Path        string // that all requests have
	Cookie      string // of the session
	RouteCookie string // tells the session's server by its number; "": the number is at the end of the session's cookie
}

// The sites that are compared. Servers are numbered from 1, and their names end with the number.
var sites = map[string]Site{
	"http":   {Path: "/session", Cookie: "sid", RouteCookie: "route"},
	"tomcat": {Path: "/session.jsp", Cookie: "JSESSIONID"},
}

// web is application servers behind no proxy; a caller chooses among them as one would.
type web struct {
	nowhere
	site  Site
	addrs []string
	mu    sync.Mutex // guards idle
	idle  []*webCaller
	homes sync.Map // of a session's id: the index of its server, as the servers said
}

func openWeb(s load.Setup) (load.Product, error) {
	return &web{site: sites[s.Product], addrs: s.Addrs}, nil
}

// Close ends the connections.
func (w *web) Close() error { return nil }

// Caller implements load.Product.
func (w *web) Caller(pool *load.Pool, way load.Way) load.Caller {
	return &webCaller{web: w, pool: pool, toHome: way.ToHome, lines: make([]line, len(w.addrs))}
}

// Create implements load.Product. Callers that create are used again, as each has a connection to every server.
func (w *web) Create(ctx context.Context, shape load.Shape, version uint64) (string, error) {
	c := w.take()
	defer w.giveBack(c)
	_, err := c.ask(ctx, c.turn(), "create", fmt.Sprintf("%d&attributes=%d&bytes=%d&changed=%d", version, shape.Attributes, shape.Bytes, shape.Changed), "")
	return c.given, err
}

func (w *web) take() *webCaller {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.idle); n > 0 {
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		return c
	}
	return w.Caller(nil, load.Way{}).(*webCaller)
}

func (w *web) giveBack(c *webCaller) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, c)
}

// webCaller has a connection to each server.
type webCaller struct {
	web    *web
	pool   *load.Pool
	toHome bool
	lines  []line
	next   int
	given  string // the session's cookie in the last answer
	route  string // and the route's
}

// turn is the server whose turn it is.
func (c *webCaller) turn() int {
	if c.next == 0 {
		c.next = 1 + int(randomByte())
	}
	c.next++
	return c.next % len(c.lines)
}

func randomByte() byte {
	var b [1]byte
	_, _ = rand.Read(b[:]) // it never fails
	return b[0]
}

// home is the server of a session, or the one whose turn it is.
func (c *webCaller) home(id string) int {
	if !c.toHome {
		return c.turn()
	}
	if c.web.site.RouteCookie == "" {
		return c.server(id)
	}
	if i, known := c.web.homes.Load(id); known {
		return i.(int)
	}
	return c.turn()
}

// server is the index of a server whose name ends with its number.
func (c *webCaller) server(name string) int {
	digits := name[len(strings.TrimRight(name, "0123456789")):]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > len(c.lines) {
		return c.turn()
	}
	return n - 1
}

// ask has a server do something and returns the version that it answers.
func (c *webCaller) ask(_ context.Context, server int, op, value, id string) (uint64, error) {
	l := &c.lines[server]
	c.given, c.route = "", ""
	if err := l.connect(c.web.addrs[server]); err != nil {
		return 0, err
	}
	route := ""
	if c.web.site.RouteCookie != "" {
		route = fmt.Sprintf("%02d", server+1)
	}
	if err := l.send(c.web.site, op, value, id, route); err != nil {
		return 0, err
	}
	body, err := l.receive(func(name, value string) {
		switch name {
		case c.web.site.Cookie:
			c.given = value
		case c.web.site.RouteCookie:
			c.route = value
		}
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	if c.route != "" && id != "" {
		c.web.homes.Store(id, c.server(c.route))
	}
	version, err := strconv.ParseUint(string(body), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %q", load.ErrWrong, op, body)
	}
	return version, nil
}

// Cart implements load.Caller.
func (c *webCaller) Cart(ctx context.Context, session int, next uint64) (uint64, error) {
	id := c.pool.IDs[session]
	return c.ask(ctx, c.home(id), "cart", strconv.FormatUint(next, 10)+"&changed="+strconv.Itoa(c.pool.Shape.Changed), id)
}

// Browse implements load.Caller.
func (c *webCaller) Browse(ctx context.Context, session int) (uint64, error) {
	id := c.pool.IDs[session]
	return c.ask(ctx, c.home(id), "browse", "0", id)
}

// Login implements load.Caller: three requests of one visitor.
func (c *webCaller) Login(ctx context.Context) error {
	server, s := c.turn(), c.pool.Shape
	_, err := c.ask(ctx, server, "create", fmt.Sprintf("1&attributes=%d&bytes=%d&changed=%d", s.Attributes, s.Bytes, s.Changed), "")
	if err != nil {
		return err
	}
	if c.toHome && c.route != "" {
		server = c.server(c.route)
	}
	if _, err = c.ask(ctx, server, "renew", "0", c.given); err != nil {
		return err
	}
	if c.given == "" {
		return fmt.Errorf("%w: no new id", load.ErrWrong)
	}
	_, err = c.ask(ctx, server, "destroy", "0", c.given)
	return err
}
