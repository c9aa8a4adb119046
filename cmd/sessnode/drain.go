package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// drainTimeout is how long drain waits unless -deadline says otherwise.
const drainTimeout = 5 * time.Minute

func (p *program) drainCommand() *ffcli.Command {
	flags := newFlags("drain")
	var conn connection
	defineDrain(flags, &conn)
	deadline := flags.Duration("deadline", drainTimeout, "how long to wait until the node has left; it goes on draining after that")
	asJSON := flags.Bool("json", false, "print JSON")
	return &ffcli.Command{
		Name:       "drain",
		ShortUsage: "sessnode drain [-node ADDRESS] [flags]",
		ShortHelp:  "make a node hand over what it holds, and leave",
		LongHelp: `The node goes on serving what it still holds. When it has handed over everything it leaves and its process ends with 0; so
does this command. When -deadline is over first this command ends with 4 and the node goes on draining: run the command
again to watch on, or stop the process (its backups take over what is left). Draining cannot be taken back: start the
node again when it has left. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode drain -node 10.0.0.2:7946 -key-file cluster.key`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if nodes := splitList(conn.nodes); len(nodes) != 1 {
				return usageError{fmt.Errorf("-node %q: name the one node to drain", conn.nodes)}
			}
			return p.drain(ctx, conn, *deadline, *asJSON)
		},
	}
}

func defineDrain(flags *flag.FlagSet, c *connection) {
	flags.StringVar(&c.nodes, "node", node.ListenDefault, "`ADDRESS` of the node to drain")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
	defineKeyFile(flags, &c.keyFile)
	c.tls.define(flags)
}

// drained is what `sessnode drain -json` prints.
type drained struct {
	Node      string  `json:"node"`
	Left      bool    `json:"left"` // it has handed over everything and left the cluster
	SlotsLeft int     `json:"slots_left"`
	Waiting   string  `json:"waiting,omitempty"`
	Seconds   float64 `json:"seconds"` // since the command
}

// drain tells a node to drain, and waits until it has left.
func (p *program) drain(ctx context.Context, conn connection, deadline time.Duration, asJSON bool) error {
	c, err := p.dial(ctx, conn)
	if err != nil {
		return err
	}
	defer c.Close()
	d := &drain{addr: conn.nodes, conn: conn, client: c, began: time.Now()}
	defer d.close()
	if d.status, err = ask[node.Status](ctx, c, d.addr, "status", ""); err != nil {
		return err
	}
	if err := d.findOthers(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, deadline, errNotInTime)
	defer cancel()
	err = d.wait(ctx, p.drainProgress(d.status))
	if errors.Is(err, errNotInTime) {
		err = explain(err, "%s has not left within %v: %d slots left%s: it goes on draining, run the command again to watch",
			d.status.Node, deadline, slotsLeft(d.status), waitingFor(d.status.Progress.Waiting))
	}
	if asJSON {
		result := drained{Node: d.status.Node, Left: err == nil, Seconds: time.Since(d.began).Seconds()}
		if err != nil {
			result.SlotsLeft, result.Waiting = slotsLeft(d.status), d.status.Progress.Waiting
		}
		return errors.Join(err, printJSON(p.out, result))
	}
	if err == nil {
		_, err = fmt.Fprintf(p.out, "%s has handed over everything and left, after %v\n", d.status.Node, time.Since(d.began).Round(100*time.Millisecond))
	}
	return err
}

// drain is the draining of one node.
type drain struct {
	addr   string
	conn   connection
	client *client.Client
	others *client.Client // connected to the other members; nil while none answers
	addrs  []string       // of the other members, as they were at the beginning
	status node.Status    // the node's last
	began  time.Time
}

// findOthers connects to the other members, who know how the node has ended.
func (d *drain) findOthers(ctx context.Context) error {
	for _, m := range d.status.Members {
		if m.Boot != d.status.Boot {
			d.addrs = append(d.addrs, m.Address)
		}
	}
	return d.connectOthers(ctx)
}

// connectOthers does without them if none answers now; it is tried again when they are needed.
func (d *drain) connectOthers(ctx context.Context) error {
	if d.others != nil || len(d.addrs) == 0 {
		return nil
	}
	conn := d.conn
	conn.nodes = strings.Join(d.addrs, ",")
	others, err := conn.connect(ctx)
	switch {
	case err == nil:
		d.others = others
	case exitCode(err) != exitNetwork:
		return err
	}
	return nil
}

func (d *drain) close() {
	if d.others != nil {
		_ = d.others.Close() // nothing was sent that could be lost
	}
}

// wait returns nil when the node has left, and an error when it died, or ctx is done.
func (d *drain) wait(ctx context.Context, view *drainView) error {
	defer view.end()
	for {
		if left, err := d.look(ctx); left || err != nil {
			return err
		}
		view.show(d.status, time.Since(d.began))
		if !sleep(ctx, pollEvery) {
			return context.Cause(ctx)
		}
	}
}

// look tells the node to drain, once more, and reports whether it has left. A node that leaves at once may not get its
// answer out.
func (d *drain) look(ctx context.Context) (left bool, err error) {
	pollCtx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	now, err := ask[node.Status](pollCtx, d.client, d.addr, "drain", "")
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.Is(err, replica.ErrForbidden), errors.Is(err, replica.ErrBadRequest):
		return false, err
	case err != nil:
		return d.gone(ctx)
	case now.Boot != d.status.Boot:
		return true, nil // and has been started again
	case !now.Draining:
		return false, fmt.Errorf("%s does not know how to drain: it is of an earlier version: stop its process instead", now.Node)
	}
	d.status = now
	return false, nil
}

// gone asks the others whether the node has left. If it is alone, that it does not answer any more has to do.
func (d *drain) gone(ctx context.Context) (bool, error) {
	if len(d.addrs) == 0 {
		return true, nil
	}
	if err := d.connectOthers(ctx); err != nil || d.others == nil {
		return false, err
	}
	heard := false
	for _, addr := range d.addrs {
		pollCtx, cancel := context.WithTimeout(ctx, pollTimeout)
		s, err := ask[node.Status](pollCtx, d.others, addr, "status", "")
		cancel()
		if err != nil {
			continue // it may have left itself
		}
		heard = true
		if slices.ContainsFunc(s.Members, func(m node.MemberStatus) bool { return m.Boot == d.status.Boot }) {
			return false, nil
		}
		if slices.ContainsFunc(s.Missing, func(m node.MissingStatus) bool { return m.Name == d.status.Node }) {
			return false, fmt.Errorf("%s died before it had left, with %d slots: 'sessnode status -node %s' shows if any was lost",
				d.status.Node, slotsLeft(d.status), addr)
		}
	}
	return heard, nil
}

// slotsLeft is how many slots a draining node still holds for others to rely on.
func slotsLeft(s node.Status) int { return max(s.Held.Primary+s.Held.Backup, s.Progress.Left) }
