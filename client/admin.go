package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sessnode/sessnode/replica"
)

// Status is what the node at an address, a member's or a seed's, sees: a JSON document for an operator. Any connected
// node will do when addr is "". It needs the cluster key; with a client key the error is replica.ErrForbidden.
func (c *Client) Status(ctx context.Context, addr string) ([]byte, error) {
	return c.Admin(ctx, addr, "", "")
}

// Admin gives the node at an address, as Status has it, an operator's command: "status", "conflicts", "top", "drain",
// "slots" with the number of the first, or "forget" with a member's name. The result is a JSON document that the command says. It
// asks once: whether a command without an answer was carried out is unknown.
func (c *Client) Admin(ctx context.Context, addr, command, argument string) ([]byte, error) {
	if addr != "" && !slices.Contains(c.peers.memberAddrs(), addr) && !slices.Contains(c.conf.Nodes, addr) {
		return nil, fmt.Errorf("client: no member has the address %s", addr)
	}
	ctx, cancel := context.WithDeadline(ctx, c.begin(ctx).deadline)
	defer cancel()
	call, err := c.calls.begin(0)
	if err != nil {
		return nil, err
	}
	defer c.calls.end(call)
	call.message = &replica.AdminRequest{Token: call.token, Command: command, Argument: argument}

	p, err := c.askAdmin(ctx, call, addr)
	if err != nil {
		return nil, err
	}
	command = cmp.Or(command, "status")
	for {
		h := call.take()
		if len(h.replies) > 0 {
			return documentOf(h.replies[0], command)
		}
		if !call.asked(nil) {
			return nil, fmt.Errorf("client: %s of %s: connection ended: %w", command, p.addr, cmp.Or(p.failure(), error(replica.ErrUnavailable)))
		}
		if err := c.awaken(ctx, call); err != nil {
			return nil, fmt.Errorf("client: %s of %s: %w", command, p.addr, err)
		}
	}
}

// documentOf is the document in an answer to a command. A node of an earlier version sends a client key an empty one.
func documentOf(a arrival, command string) ([]byte, error) {
	err := a.reply.Result.Err()
	if err == nil && len(a.json) == 0 {
		err = replica.ErrForbidden
	}
	switch {
	case errors.Is(err, replica.ErrForbidden):
		return nil, fmt.Errorf("client: %s of %s: %w: it takes the cluster key, not a client key", command, a.from.addr, err)
	case err != nil:
		return nil, fmt.Errorf("client: %s of %s: %w", command, a.from.addr, err)
	}
	return a.json, nil
}

// askAdmin sends the call to the node at addr, or to any, as soon as it is connected.
func (c *Client) askAdmin(ctx context.Context, call *call, addr string) (*peer, error) {
	for {
		p := c.peers.get(addr)
		if addr == "" {
			p, _ = c.peers.another(call.asked)
		}
		if p != nil {
			if conn := p.conn.Load(); conn != nil && call.send(conn) == nil {
				return p, nil
			}
		}
		if err := c.awaken(ctx, call); err != nil {
			return nil, fmt.Errorf("client: %s is not connected: %w", addr, err)
		}
		call.take()
	}
}

// awaken waits until something happened to a call.
func (c *Client) awaken(ctx context.Context, call *call) error {
	select {
	case <-call.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return ErrClosed
	}
}
