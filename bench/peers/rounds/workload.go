package rounds

import (
	"fmt"
	"slices"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// Mode is a way in which a product is used.
type Mode struct {
	Name       string
	Product    string // of package stand
	Turn       load.Turn
	ToHome     bool
	Title      string
	Durability uint8    // see load.Way
	Only       []string // workloads; nil: all
}

// Modes are all, in the order of the report.
func Modes() []Mode {
	cartOnly := []string{"cart-64"}
	return []Mode{
		{Name: "redis", Product: "redis", Turn: load.Alternate, Title: "Redis, primary and replica, WAIT 1"},
		{Name: "redis-sticky", Product: "redis", Turn: load.Sticky, Title: "Redis, each session with one generator", Only: cartOnly},
		{Name: "olric", Product: "olric", Turn: load.Alternate, Title: "Olric, three nodes, two copies"},
		{Name: "olric-sticky", Product: "olric", Turn: load.Sticky, Title: "Olric, each session with one generator", Only: cartOnly},
		{Name: "remote", Product: "remote", Turn: load.Alternate, Title: "sessnode, client library"},
		{Name: "remote-sticky", Product: "remote", Turn: load.Sticky, Title: "sessnode, client library, each session with one generator", Only: cartOnly},
		{Name: "embedded", Product: "embedded", Turn: load.Alternate, Title: "sessnode, node in the process, any process"},
		{Name: "embedded-routed", Product: "embedded", Turn: load.Routed, Title: "sessnode, node in the process, the primary's process"},
		{Name: "http", Product: "http", Turn: load.Alternate, Title: "sessnode, HTTP, any server"},
		{Name: "http-routed", Product: "http", Turn: load.Alternate, ToHome: true, Title: "sessnode, HTTP, the primary's server"},
		{Name: "tomcat", Product: "tomcat", Turn: load.Alternate, Title: "Tomcat BackupManager, HTTP, any server"},
		{Name: "tomcat-routed", Product: "tomcat", Turn: load.Alternate, ToHome: true, Title: "Tomcat BackupManager, HTTP, the session's server"},
	}
}

// Workload is what is done with sessions.
type Workload struct {
	Name    string
	Kind    load.Kind
	Pool    string
	Callers int     // of all generators together
	Half    string  // of whose rate this one is the half, in an open loop
	Text    string  // for a reader
	Share   float64 // of the usual time
}

// The pools of sessions.
const (
	cartPool   = "cart"
	chattyPool = "chatty"
)

// Workloads are all, in the order in which they are run.
func Workloads() []Workload {
	return []Workload{
		{"cart-64", load.KindCart, cartPool, 64, "", "read a session of 4 KiB, change an attribute of 64 bytes; 64 callers", 1},
		{"cart-1", load.KindCart, cartPool, 1, "", "the same, 1 caller", 1},
		{"cart-512", load.KindCart, cartPool, 512, "", "the same, 512 callers", 1},
		{"cart-open", load.KindCart, cartPool, 512, "cart-64", "the same, due at half the rate of 64 callers", 1},
		{"browse-64", load.KindBrowse, cartPool, 64, "", "read a session of 4 KiB; 64 callers", 0.5},
		{"browse-1", load.KindBrowse, cartPool, 1, "", "the same, 1 caller", 0.5},
		{"login-64", load.KindLogin, cartPool, 64, "", "create a session, go on with it under a new id, destroy it; 64 callers", 0.5},
		{"chatty-64", load.KindCart, chattyPool, 64, "", "read a session of 1 KiB, change an attribute of 8 bytes; 64 callers", 0.5},
	}
}

// runs reports whether a mode has a workload.
func (m Mode) runs(w Workload) bool { return m.Only == nil || slices.Contains(m.Only, w.Name) }

// Plan says what is measured and for how long.
type Plan struct {
	Products  []string // of package stand
	Workloads []string // nil: all
	Parts     []string
	Rounds    int
	Warm      time.Duration // before each workload counts
	Span      time.Duration // that a workload is measured for
	FirstWarm time.Duration // before the first workload of a product: compilers at run time need it
	Sessions  int
	Dir       string
	Profiles  string // directory for profiles of the generators; none without
	Keep      bool   // the directories of the rounds, with logs
	Sessnode  string
	Say       func(format string, args ...any)
}

// Full and Quick are plans for a judgement and for a look.
func Full() Plan {
	return Plan{Rounds: 5, Warm: time.Second, Span: 4 * time.Second, FirstWarm: 3 * time.Second, Sessions: 10_000}
}

// Quick ends within a minute per product.
func Quick() Plan {
	return Plan{Rounds: 1, Warm: 300 * time.Millisecond, Span: 1500 * time.Millisecond, FirstWarm: 2 * time.Second, Sessions: 10_000}
}

// String is for a reader of the figures.
func (p Plan) String() string {
	return fmt.Sprintf("%d rounds, each workload for %v after %v (%v before a product's first, Tomcat's 20 s), every session read once by every generator before each mode", p.Rounds, p.Span, p.Warm, p.FirstWarm)
}
