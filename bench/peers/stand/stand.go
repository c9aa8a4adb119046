package stand

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/child"
)

// Options say where things are.
type Options struct {
	Dir      string // for logs, state and sockets; it must exist
	Sessnode string // the binary whose nodes are measured
	Nodes    int    // of sessnode; default 3
	Backups  int    // of sessnode; zero: the default; -1: none
	Slots    int    // of sessnode's daemons; zero: the default
}

// Stand is the servers of one product.
type Stand interface {
	// Begin starts them and returns when they are ready.
	Begin(ctx context.Context) error
	// Generator is what the i-th generator has to know of them; the rest of the setup is the caller's.
	Generator(i int) load.Setup
	// Processes are those of the servers.
	Processes() []*child.Process
	// Copies reports an error unless every session of a board is on two nodes. A product that only counts compares with
	// all, the number of sessions on all boards.
	Copies(ctx context.Context, ids []string, board *load.Board, all int) error
	// End kills all of them.
	End()
}

// Product is one that can be measured.
type Product struct {
	Name       string
	Title      string
	Generators int
	// Warm is how long it is at work before it is measured, if the plan does not say longer: what compiles as it runs needs it.
	Warm time.Duration
	// Lacks is the command that installs what is missing on this machine, or "".
	Lacks func() string
	// Settings are those that differ from the product's defaults, other than names, ports and directories.
	Settings []string
	Stand    func(Options) (Stand, error)
}

// Products are all, sessnode's first.
func Products() []Product {
	return []Product{
		{Name: "remote", Title: "sessnode, three nodes, client library", Generators: 2, Lacks: nothing, Stand: newRemote},
		{Name: "embedded", Title: "sessnode, a node in each of three generators", Generators: 3, Lacks: nothing, Stand: newEmbedded},
		{Name: "http", Title: "sessnode, three application servers with net/http, the middleware and a node", Generators: 2, Lacks: nothing, Stand: newShops},
		{
			Name: "redis", Title: "Redis, a primary and a replica, WAIT 1", Generators: 2, Lacks: missing("redis-server", "apt-get install redis-server"), Stand: newRedis,
			Settings: []string{"Redis has replicaof on the second server, without which there is no second copy"},
		},
		{
			Name: "olric", Title: "Olric, three nodes with two copies", Generators: 2, Lacks: nothing, Stand: newOlrics,
			Settings: []string{"Olric has ReplicaCount 2, without which there is no second copy, and logs errors only"},
		},
		{
			Name: "tomcat", Title: "Tomcat, three servers with BackupManager", Generators: 2, Warm: 20 * time.Second, Lacks: lacksTomcat, Stand: newTomcats,
			Settings: []string{
				"Tomcat has a cluster with BackupManager in its server.xml, static members in place of multicast, channelSendOptions 6, which waits for the copy, and poolSize 200, a sender for each of its threads: with the default of 25 requests fail at 512 callers",
				"Tomcat writes no access log, as net/http writes none",
			},
		},
	}
}

func nothing() string { return "" }

// missing says how to install a program unless it is there.
func missing(program, install string) func() string {
	return func() string {
		if _, err := exec.LookPath(program); err != nil {
			return install
		}
		return ""
	}
}

// servers is processes that live and die together.
type servers []*child.Process

// Processes implements Stand.
func (s servers) Processes() []*child.Process { return s }

// start starts all.
func (s servers) start() error {
	for _, p := range s {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// End implements Stand.
func (s servers) End() {
	for _, p := range s {
		p.Retire()
	}
}

// startLimit is how long servers may take until they are ready.
const startLimit = 3 * time.Minute

// await asks again and again until there is no error. The end of a process is one for good.
func (s servers) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		for _, p := range s {
			if p.Died() {
				return fmt.Errorf("%s has ended by itself; the end of its log: %s", p.Name, p.LogTail())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}
