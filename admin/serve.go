package admin

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the server.
const (
	headerTimeout  = 2 * time.Second
	requestTimeout = 5 * time.Second // to read a request and write its answer
	idleTimeout    = 30 * time.Second
	headerSizeMax  = 8 << 10
	connsMax       = 64 // more wait in the system's backlog
)

// Serve answers on a listener until ctx is done, then closes it and every connection and returns nil; another end is an
// error.
func Serve(ctx context.Context, l net.Listener, node Source, log *slog.Logger, pages ...Page) error {
	server := &http.Server{
		Handler:           Handler(node, pages...),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: headerSizeMax,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // nothing is left that could be done about it
	defer stop()
	err := server.Serve(&bounded{Listener: l, free: make(chan struct{}, connsMax), closed: make(chan struct{})})
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// bounded is a listener that accepts only so many connections at a time.
type bounded struct {
	net.Listener
	free   chan struct{} // holds one for each connection
	closed chan struct{}
	once   sync.Once // closes closed
}

// Accept waits for a connection and for room.
func (b *bounded) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case b.free <- struct{}{}:
		return &counted{Conn: conn, free: b.free}, nil
	case <-b.closed:
		_ = conn.Close() // nobody has been told of it
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (b *bounded) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

// counted is a connection that gives its room back when it is closed.
type counted struct {
	net.Conn
	free chan struct{}
	once sync.Once
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { <-c.free })
	return c.Conn.Close()
}
