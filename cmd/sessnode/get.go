package main

import (
	"context"
	"fmt"
	"time"

	"github.com/peterbourgon/ff/v3"
	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func (p *program) getCommand() *ffcli.Command {
	flags := newFlags("get")
	var conn connection
	conn.define(flags)
	conn.defineApp(flags)
	asJSON := flags.Bool("json", false, "print JSON")
	whole := flags.Bool("whole", false, "print values of any length")
	return &ffcli.Command{
		Name:       "get",
		ShortUsage: "sessnode get [flags] ID",
		ShortHelp:  "a session: its attributes, its age, and which nodes hold it",
		LongHelp: `The id is the value of the session's cookie; - reads it from the standard input, where other users of the machine do
not see it. Reading does not count as an access. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode get -app shop xN4qEw.0ZbD1Xb6aLhYwYBv0xXQhQ`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			id, err := p.sessionID(args)
			if err != nil {
				return err
			}
			view, err := p.lookUp(ctx, conn, id, *whole)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(p.out, view)
			}
			return printSession(p.out, view)
		},
	}
}

// lookUp loads a session and says where it is.
func (p *program) lookUp(ctx context.Context, conn connection, id string, whole bool) (sessionView, error) {
	started := time.Now()
	c, err := p.dial(ctx, conn)
	if err != nil {
		return sessionView{}, err
	}
	defer c.Close()
	defer p.waiting("asking " + conn.nodes)()
	res, err := c.Load(ctx, &replica.Load{Key: replica.Key{App: c.App(), ID: id}, Peek: true})
	if err != nil {
		return sessionView{}, missing(err, c.App())
	}
	where, err := c.Locate(ctx, id)
	if err != nil {
		return sessionView{}, err
	}
	valueLen := valueLenShown
	if whole {
		valueLen = -1
	}
	return viewOf(res.Session, where, time.Now(), time.Since(started), valueLen), nil
}

// missing tells where else to look for a session that was not found.
func missing(err error, app string) error {
	return remedy(err, replica.ErrNotFound, fmt.Sprintf("it expired, or it belongs to another application than %q: see -app", app))
}

func (p *program) destroyCommand() *ffcli.Command {
	flags := newFlags("destroy")
	var conn connection
	conn.define(flags)
	conn.defineApp(flags)
	return &ffcli.Command{
		Name:       "destroy",
		ShortUsage: "sessnode destroy [flags] ID",
		ShortHelp:  "end a session for good, on all nodes",
		LongHelp: `The id is the value of the session's cookie; - reads it from the standard input. What is destroyed stays so, also an id
that no session was found for. Flags may also be given as SESSNODE_NODE and so on.

EXAMPLE
  sessnode destroy -app shop xN4qEw.0ZbD1Xb6aLhYwYBv0xXQhQ`,
		FlagSet: flags,
		Options: []ff.Option{fromEnvironment()},
		Exec: func(ctx context.Context, args []string) error {
			id, err := p.sessionID(args)
			if err != nil {
				return err
			}
			return p.destroy(ctx, conn, id)
		},
	}
}

// destroy ends a session and says on how many nodes that is known.
func (p *program) destroy(ctx context.Context, conn connection, id string) error {
	c, err := p.dial(ctx, conn)
	if err != nil {
		return err
	}
	defer c.Close()
	defer p.waiting("asking " + conn.nodes)()
	res, err := c.Commit(ctx, &replica.Commit{Key: replica.Key{App: c.App(), ID: id}, Destroy: true})
	if err != nil {
		return remedy(err, client.ErrOutcomeUnknown, "run the command again: twice does no harm")
	}
	_, err = fmt.Fprintf(p.out, "session %s of %s is destroyed; copies: %d\n", replica.ShortID(id), c.App(), res.Copies)
	return err
}
