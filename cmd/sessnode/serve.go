package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"github.com/sessnode/sessnode/node"
)

// serving is the flags of serve.
type serving struct {
	conf       node.Config
	join       addressList
	backups    int
	keyFile    string
	tls        tlsFiles
	stateDir   string
	admin      string
	asking     adminFlags
	drain      time.Duration
	acceptKeys addressList
	clock      string
	logFormat  string
	logLevel   slog.Level
}

func (p *program) serveCommand() *ffcli.Command {
	flags := newFlags("serve")
	var s serving
	s.define(flags)
	return &ffcli.Command{
		Name:       "serve",
		ShortUsage: "sessnode serve [-join ADDRESS[,ADDRESS…]] [flags]",
		ShortHelp:  "run a node: found a cluster of one, or join one",
		LongHelp: `Without flags it founds a cluster of one node on loopback, ` + node.ListenDefault + `. With -join it becomes a member of the
cluster of any address named; nodes that are all given the same list found one together. Beyond loopback it needs the
cluster's key.

Settings may also be given in the environment, as SESSNODE_BIND and so on, or in the file of -config, in TOML by the names
of the flags: bind = "10.0.0.2:7946". A flag counts before the environment, the environment before the file, the file before
the default. 'sessnode config check FILE' lists mistakes in a file, 'sessnode config show' what a node would start with.

SIGTERM or Ctrl-C: hand over what this node holds, for -drain-deadline at most, and leave; what is not handed over by then
its backups take over. A second one: exit at once, as if killed. A node that was told to leave by 'sessnode drain' exits
with 0 when everything is handed over. With -drain-deadline 0 it leaves at once.

The admin listener answers GET /livez and /readyz, for a load balancer or a service manager: 200, or 503 and the reason. A
node is not ready while it drains. At / it has a page that shows the cluster as this node sees it. GET /metrics tells Prometheus
what the node counts; docs/OPERATIONS.md has alerts.

systemd hears when the node is ready, how it is, when it begins to leave, and, where WatchdogSec is set, that it still answers.
deploy/systemd has a unit.

With -split available both sides of a split network go on with what they hold. With -split guard a node that sees fewer
than -min-members members alive, itself included, refuses commits other than destroys.

The node writes down who the other members are, in the file NAME.members of -state-dir, and looks for them when it
starts again. To make it forget its cluster, remove that file. Sessions are never written down.

EXAMPLE
  sessnode serve
  sessnode serve -bind 127.0.0.1:0 -join 127.0.0.1:7946 -drain-deadline 1m
  sessnode serve -bind 10.0.0.2:7946 -join 10.0.0.1:7946 -key-file cluster.key -state-dir /var/lib/sessnode`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if _, err := settle(flags); err != nil {
				return err
			}
			return p.serve(ctx, s)
		},
	}
}

func (s *serving) define(flags *flag.FlagSet) {
	flags.String(configFlag, "", "`FILE` with settings by the names of these flags, in TOML")
	flags.StringVar(&s.conf.Listen, "bind", node.ListenDefault, "`ADDRESS` to listen on, UDP; port 0 for any")
	flags.StringVar(&s.conf.Advertise, "advertise", "", "`ADDRESS` that others reach this node by (default the one bound)")
	flags.Var(&s.join, "join", "`ADDRESSES` of members, or of all nodes that found the cluster together, with commas; a name stands for all its addresses, srv+NAME for SRV records")
	flags.IntVar(&s.conf.Expect, "expect", 0, "`number` of nodes that must meet to found a cluster (default a majority of -join)")
	flags.DurationVar(&s.conf.JoinTimeout, "join-timeout", node.JoinTimeoutDefault, "how long to look for any of -join")
	flags.StringVar(&s.conf.Name, "name", "", "`NAME` of this node, the same at each start (default the host's name, followed by -PORT unless the port is 7946)")
	flags.StringVar(&s.conf.Zone, "zone", "", "`ZONE`, such as a rack: copies go to different zones if there are enough")
	flags.IntVar(&s.conf.Slots, "slots", node.SlotsDefault, "`number` of slots, the same on all nodes")
	flags.IntVar(&s.backups, "backups", 1, "`number` of copies besides the primary, 0, 1 or 2, the same on all nodes")
	flags.IntVar(&s.conf.MinCopies, "min-copies", 1, "`number` of copies that a commit must reach to be answered as done")
	flags.StringVar(&s.conf.Split, "split", node.SplitAvailable, "`policy` in a split network: available or guard, the same on all nodes")
	flags.IntVar(&s.conf.MinMembers, "min-members", 0, "`number` of members that -split guard asks for (default a majority of -join and this node)")
	s.conf.Moves.BytesPerSecond = node.BytesPerSecondDefault
	flags.Var((*byteCount)(&s.conf.Moves.BytesPerSecond), "budget", "`BYTES` of sessions per second that this node sends to make copies and move slots, such as 8MiB")
	flags.IntVar(&s.conf.Moves.TransfersMax, "transfers", node.TransfersDefault, "`number` of slots of which copies are made or taken at a time")
	flags.IntVar(&s.conf.Moves.MovesMax, "moves", node.MovesDefault, "`number` of slots that move home, or are taken, at a time")
	flags.DurationVar(&s.conf.Moves.Settle, "settle", node.SettleDefault, "how long members must neither come nor go before slots move home")
	flags.Float64Var(&s.conf.Moves.SlowFactor, "slow-factor", node.SlowFactorDefault, "moves pause while requests take so many `times` as long as usual")
	flags.Var((*byteCount)(&s.conf.MemoryBytes), "memory", "`BYTES` that the sessions on this node may take, such as 2GiB (default 40% of the machine's or the control group's)")
	flags.Var((*quotas)(&s.conf.Quotas), "quota", "`APP=SESSIONS:BYTES` that applications may keep in the cluster, with commas, such as 'shop=100000:1GiB,*=1000:8MiB'; * is all others, 0 any number; the same on all nodes")
	flags.Var(limits{&s.conf}, "limits", "`NAME=VALUE` of further limits, with commas, such as 'lifetime=720h,session=512KiB'; docs/SECURITY.md lists them")
	flags.DurationVar(&s.drain, "drain-deadline", node.DrainDeadlineDefault, "how long a node that is told to stop hands over what it holds; 0 leaves at once")
	flags.StringVar(&s.admin, "admin", "", "`ADDRESS` to answer /livez, /readyz and /metrics on, and the console: TCP, unix:/path, or "+noAdmin+
		"; beyond loopback it takes a token or -tls-cert"+
		" (default 127.0.0.1 and the number of the port that -bind got)")
	flags.DurationVar(&s.conf.Lease, "lease", node.LeaseDefault, "how long a primary may serve unheard, the same on all nodes")
	defineKeyFile(flags, &s.keyFile)
	s.tls.define(flags)
	s.asking.define(flags)
	flags.Var(&s.acceptKeys, "accept-key-files", "`FILES` with further keys accepted while keys are changed, with commas")
	flags.StringVar(&s.stateDir, "state-dir", "", "`DIR` in which members are remembered between runs, or "+noState+
		" (default $STATE_DIRECTORY of systemd, or the user's own: ~/.local/state/sessnode on Linux)")
	flags.StringVar(&s.clock, "clock", "", "`FILE` that makes this node's clock wrong, as in '-3s 1.02': off by so much, and so many times as fast; read "+
		"again whenever it changes. For tests of a cluster under wrong clocks")
	flags.StringVar(&s.logFormat, "log", "text", "`format` of the log on standard error: text or json")
	flags.Var((*logLevel)(&s.logLevel), "log-level", "`level` of the log: debug, info, warn or error")
}

// serve runs a node until ctx is done.
func (p *program) serve(ctx context.Context, s serving) error {
	conf, err := s.config(p)
	if err != nil {
		return err
	}
	if s.clock != "" {
		now, stop := followClock(s.clock, conf.Log)
		defer stop()
		conf.Clock = now
	}
	n, err := node.New(conf)
	if err != nil {
		return explainNew(err, conf)
	}
	defer n.Close()
	who, err := s.asking.config(conf.PKI)
	if err != nil {
		return err
	}
	listener, err := openAdmin(s.admin, conf.Listen, n.Addr(), who)
	if err != nil {
		return err
	}
	defer serveAdmin(listener, n, who, conf.Log)()
	defer tellManager(ctx, n, conf.Log)()
	defer tune(n.Status().Memory.LimitBytes)()
	if conf.Key.IsZero() {
		conf.Log.Warn("no key is given: everyone on this machine can read sessions and join", "remedy", "sessnode keygen")
	}
	watched := make(chan struct{})
	running, stop := context.WithCancel(ctx)
	go func() { // ends with the announcement, or with running; joined below
		defer close(watched)
		if p.awaitReady(running, n, conf.Log) {
			p.announce(n.Status(), s.keyFile, conf.Log)
		}
	}()
	err = n.Run(ctx)
	stop()
	<-watched
	return explainRun(err, conf, n.Member().Name)
}

// plain is the node's configuration as the settings alone say it: no file is read, nothing asked of the network.
func (s *serving) plain() (node.Config, error) {
	conf := s.conf
	conf.Join = splitList(string(s.join))
	if conf.Backups = s.backups; s.backups == 0 {
		conf.Backups = node.NoBackups
	}
	if conf.DrainDeadline = s.drain; s.drain == 0 {
		conf.DrainDeadline = node.LeaveAtOnce
	}
	if err := s.check(conf); err != nil {
		return conf, err
	}
	return conf, conf.Validate()
}

// config is the node's configuration as the settings and the files that they name say it.
func (s *serving) config(p *program) (node.Config, error) {
	conf, err := s.plain()
	if err != nil {
		return conf, err
	}
	if conf.Key, err = readKey(s.keyFile); err != nil {
		return conf, err
	}
	if conf.Accept, err = readKeys(string(s.acceptKeys)); err != nil {
		return conf, err
	}
	if conf.PKI, err = s.tls.load(); err != nil {
		return conf, err
	}
	conf.Log = s.logger(p)
	if !conf.Key.IsZero() && conf.Advertise == "" { // without a key New refuses anything but loopback
		if conf.Advertise, err = reachable(conf.Listen, conf.Join); err != nil {
			return conf, err
		}
	}
	if err := conf.Validate(); err != nil {
		return conf, err
	}
	conf.StateDir, err = stateDir(s.stateDir)
	return conf, err
}

// check refuses what node.Config would take for its default, and ports that there cannot be.
func (s *serving) check(conf node.Config) error {
	switch {
	case conf.Slots == 0:
		return configError{errors.New("-slots 0: choose 1 to 16384")}
	case s.drain < 0:
		return configError{fmt.Errorf("-drain-deadline %v: choose 0, to leave at once, or more", s.drain)}
	case isSecret(s.keyFile) || isSecret(string(s.acceptKeys)):
		return configError{errors.New("a key stands where the name of its file belongs: put it into a file and name that")}
	case s.logFormat != "text" && s.logFormat != "json":
		return usageError{fmt.Errorf("-log %q: choose text or json", s.logFormat)}
	case conf.MinCopies == 0:
		return configError{fmt.Errorf("-min-copies 0: choose 1 to %d", 1+max(s.backups, 0))}
	case conf.MemoryBytes != 0 && conf.MemoryBytes < memoryMin:
		return configError{fmt.Errorf("-memory of %d bytes: choose at least 1MiB, some MiB for a node without sessions", conf.MemoryBytes)}
	}
	if err := checkZero(conf); err != nil {
		return err
	}
	if err := checkAddress("-bind", conf.Listen); err != nil {
		return err
	}
	for _, addr := range conf.Join {
		if err := checkAddress("-join", addr); err != nil {
			return err
		}
	}
	return checkAddress("-advertise", conf.Advertise)
}

// memoryMin is the least memory for sessions: with less every node would be full from the start.
const memoryMin = 1 << 20

// checkZero refuses a zero in settings of which it would mean the default.
func checkZero(conf node.Config) error {
	for _, z := range []struct {
		zero         bool
		name, remedy string
	}{
		{conf.Lease == 0, "lease 0", "choose 50ms to 1m"},
		{conf.JoinTimeout == 0, "join-timeout 0", "choose 1s or more"},
		{conf.Moves.BytesPerSecond == 0, "budget 0", "choose at least 10KiB"},
		{conf.Moves.TransfersMax == 0, "transfers 0", "choose at least 1"},
		{conf.Moves.MovesMax == 0, "moves 0", "choose at least 1; a great -settle puts moves off"},
		{conf.Moves.Settle == 0, "settle 0", "choose more, such as 1s"},
		{conf.Moves.SlowFactor == 0, "slow-factor 0", "choose more than 1; a great number never pauses moves"},
	} {
		if z.zero {
			return configError{fmt.Errorf("-%s: %s", z.name, z.remedy)}
		}
	}
	return nil
}

func (s *serving) logger(p *program) *slog.Logger {
	options := &slog.HandlerOptions{Level: s.logLevel}
	if s.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(p.err, options))
	}
	return slog.New(slog.NewTextHandler(p.err, options))
}

// awaitReady returns true when the node is ready, false when ctx is done before; now and then it logs what is missing.
func (p *program) awaitReady(ctx context.Context, n *node.Node, log *slog.Logger) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	told := time.Now()
	for {
		ready, reason := n.Ready()
		if ready {
			return true
		}
		if time.Since(told) > patience {
			log.Info("not ready yet", "reason", reason)
			told = time.Now()
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// announce logs that the node is ready, and says on standard output what to try next.
func (p *program) announce(s node.Status, keyFile string, log *slog.Logger) {
	log.Info("ready", "node", s.Node, "address", s.Address, "cluster", s.Cluster, "members", len(s.Members))
	flag, field := "", ""
	if keyFile != "" {
		flag, field = " -key-file "+keyFile, ", Key: clientKey"
	}
	fmt.Fprintf(p.out, next, s.Node, s.Address, cutPort(s.Address), flag, field, p.typed())
	if s.Admin != "" {
		fmt.Fprintf(p.out, "For a load balancer:\n  %s\n", readyCommand(s.Admin))
		if !strings.HasPrefix(s.Admin, "unix:") {
			fmt.Fprintf(p.out, "To look at the cluster:\n  http://%s/\n", s.Admin)
		}
	}
}

// next is what to try when a node is ready.
const next = `%[1]s is ready at %[2]s. In another terminal:
  %[6]s status -node %[2]s%[4]s
  %[6]s serve -bind %[3]s:0 -join %[2]s%[4]s
In a Go application:
  c, err := client.Dial(ctx, client.Config{Nodes: []string{"%[2]s"}, App: "shop"%[5]s})
`

// cutPort is an address without its port.
func cutPort(addr string) string { return addr[:max(0, strings.LastIndexByte(addr, ':'))] }
