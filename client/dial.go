package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Dial connects to a cluster and returns when one of the nodes named has told who its members are. All are tried at
// the same time, and again until ctx is done, which without a deadline is after Config.Timeout; it gives up early only
// if no node will ever let this client in. The error says for each node what went wrong. The caller must Close the
// client.
func Dial(ctx context.Context, conf Config) (*Client, error) {
	if err := conf.Validate(); err != nil {
		if conf.PacketConn != nil {
			err = errors.Join(err, conf.PacketConn.Close())
		}
		return nil, err
	}
	conf = conf.withDefaults()
	c, err := newClient(conf)
	if err != nil {
		return nil, err
	}
	if conf.isKeyless() {
		conf.Log.Warn("no key given, using the public development key: encrypted, not protected, loopback only")
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, conf.Timeout)
		defer cancel()
	}
	if err := c.awaitLayout(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// awaitLayout waits for the first node that tells the layout.
func (c *Client) awaitLayout(ctx context.Context) error {
	for _, addr := range c.conf.Nodes {
		c.peers.get(addr)
	}
	for {
		select {
		case <-c.layout.ready:
			return nil
		case <-ctx.Done():
			return c.dialError(ctx.Err())
		case <-c.news:
			if err := c.dialError(nil); err.hopeless() {
				return err
			}
		}
	}
}

// dialError collects why no seed has answered.
func (c *Client) dialError(cause error) *DialError {
	e := &DialError{cause: cause}
	for _, addr := range c.conf.Nodes {
		var why error
		if p := c.peers.get(addr); p != nil {
			why = p.failure()
		}
		e.Nodes = append(e.Nodes, NodeError{Addr: addr, Err: why})
	}
	return e
}

// DialError says why none of the nodes named let the client in. It wraps the nodes' errors and the context's.
type DialError struct {
	Nodes []NodeError // in the order of Config.Nodes
	cause error
}

// NodeError is what went wrong with one node; Err is nil when it has just not answered yet.
type NodeError struct {
	Addr string
	Err  error
}

// Error names each node and what went wrong with it.
func (e *DialError) Error() string {
	var b strings.Builder
	b.WriteString("client: no node answered")
	for i, n := range e.Nodes {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		why := "no answer yet"
		if n.Err != nil {
			why = n.Err.Error()
		}
		fmt.Fprintf(&b, "%s%s: %s", sep, n.Addr, why)
	}
	return b.String()
}

// Unwrap is every node's error, and the context's if that ended the wait.
func (e *DialError) Unwrap() []error {
	var errs []error
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	for _, n := range e.Nodes {
		if n.Err != nil {
			errs = append(errs, n.Err)
		}
	}
	return errs
}

// hopeless reports whether each node has given a reason that time will not change.
func (e *DialError) hopeless() bool {
	for _, n := range e.Nodes {
		if lastingOf(n.Err) == nil {
			return false
		}
	}
	return true
}
