package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

// connection is the flags of the commands that ask a cluster something.
type connection struct {
	nodes   string
	app     string
	keyFile string
	tls     tlsFiles
	timeout time.Duration
}

// only is the node that is named alone; empty if any of several will do.
func (c *connection) only() string {
	if nodes := splitList(c.nodes); len(nodes) == 1 {
		return nodes[0]
	}
	return ""
}

// define adds the flags to a command's.
func (c *connection) define(flags *flag.FlagSet) {
	flags.StringVar(&c.nodes, "node", node.ListenDefault, "`ADDRESS` of a node; several with commas, any one will do")
	flags.DurationVar(&c.timeout, "timeout", 5*time.Second, "how long to wait for an answer")
	defineKeyFile(flags, &c.keyFile)
	c.tls.define(flags)
}

// defineApp adds -app, for the commands that name a session.
func (c *connection) defineApp(flags *flag.FlagSet) {
	flags.StringVar(&c.app, "app", "", "`APP`lication that the session belongs to (default that of the key, or "+client.AppDefault+")")
}

// dial connects to the cluster and shows that it waits; the caller closes the client.
func (p *program) dial(ctx context.Context, c connection) (*client.Client, error) {
	defer p.waiting("asking " + c.nodes)()
	return c.connect(ctx)
}

// connect is dial without a word.
func (c connection) connect(ctx context.Context) (*client.Client, error) {
	key, err := readKey(c.keyFile)
	if err != nil {
		return nil, err
	}
	pki, err := c.tls.load()
	if err != nil {
		return nil, err
	}
	conf := client.Config{
		Nodes: splitList(c.nodes), App: c.app, Key: key, PKI: pki, Timeout: c.timeout, Log: slog.New(slog.DiscardHandler),
	}
	if err := conf.Validate(); err != nil {
		return nil, configError{err}
	}
	dialed, err := client.Dial(ctx, conf)
	if ctx.Err() != nil {
		if err == nil {
			_ = dialed.Close() // nobody waits for it any more
		}
		return nil, ctx.Err()
	}
	return dialed, explainDial(err, key, pki != nil, c.timeout)
}

// sessionID is the id that a command was given, or the first line of the standard input where that is a hyphen: what
// stands on a command line can be read by other users of the machine.
func (p *program) sessionID(args []string) (string, error) {
	switch {
	case len(args) == 0:
		return "", usageError{errors.New("no session id given: name one, or - to read it from the standard input")}
	case len(args) > 1:
		return "", usageError{fmt.Errorf("unexpected argument %q: write flags before the session id", args[1])}
	case args[0] != "-":
		return args[0], nil
	}
	line, err := bufio.NewReader(p.in).ReadString('\n')
	if id := strings.TrimSpace(line); id != "" {
		return id, nil
	}
	return "", usageError{fmt.Errorf("no session id on the standard input: %w", err)}
}
