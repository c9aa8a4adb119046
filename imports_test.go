package sessnode_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Modules of others, so that the diagram below is short.
const (
	cmpModule         = "github.com/google/go-cmp"
	consistentModule  = "github.com/buraksezer/consistent"
	ffModule          = "github.com/peterbourgon/ff/v3"
	goleakModule      = "go.uber.org/goleak"
	memberlistModule  = "github.com/hashicorp/memberlist"
	netModule         = "golang.org/x/net"
	netlinkModule     = "github.com/vishvananda/netlink"
	netnsModule       = "github.com/vishvananda/netns"
	nftablesModule    = "github.com/google/nftables"
	prometheusModule  = "github.com/prometheus/client_golang"
	porcupineModule   = "github.com/anishathalye/porcupine"
	progressbarModule = "github.com/schollz/progressbar/v3"
	quicModule        = "github.com/quic-go/quic-go"
	sysModule         = "golang.org/x/sys"
	termModule        = "golang.org/x/term"
	testscriptModule  = "github.com/rogpeppe/go-internal"
	timeModule        = "golang.org/x/time"
	tomlModule        = "github.com/pelletier/go-toml/v2"
	xxhashModule      = "github.com/cespare/xxhash/v2"
)

// may says what a package may import beside the standard library.
type may struct {
	ours        []string // packages of this module
	modules     []string // modules of others
	testOurs    []string // what its tests may import in addition
	testModules []string
	anyOfOurs   bool
	pure        bool // see pure_test.go
}

// diagram names all that each package may depend on. A new package needs a line here and in docs/ARCHITECTURE.md.
var diagram = map[string]may{
	".":        {},
	"replica":  {modules: []string{xxhashModule}, pure: true},
	"ring":     {modules: []string{consistentModule, xxhashModule}, pure: true},
	"failover": {ours: []string{"ring", "replica"}, modules: []string{timeModule}, pure: true}, // time: the byte budget, told the time
	"udp":      {modules: []string{netModule, sysModule}},                                      // net: the type of a message, as quic-go wants it; sys: the kernel's structures
	"wire":     {ours: []string{"replica", "udp"}, modules: []string{quicModule}},
	"node": {
		ours: []string{"ring", "replica", "failover", "wire", "cache"}, modules: []string{memberlistModule, sysModule}, // sys: the clock that runs while the machine sleeps
		testOurs: []string{"client", "client/clienttest"}, // a node is a store too
	},
	"cache":             {ours: []string{"replica"}},
	"client":            {ours: []string{"replica", "wire", "cache"}, testOurs: []string{"node", "client/clienttest"}},
	"client/clienttest": {ours: []string{"client", "replica"}},
	"admin":             {},
	"metrics":           {ours: []string{"node", "client"}, modules: []string{prometheusModule}, testOurs: []string{"replica"}},
	"child":             {},
	"bench":             {ours: []string{"node", "client", "child", "ring", "replica"}},                                                       // ring: what a change must move; replica: the messages
	"chaos":             {ours: []string{"client", "replica", "wire", "child", "chaos/lab", "chaos/history", "chaos/check", "chaos/control"}}, // wire: the cluster's key
	"chaos/lab": {
		ours: []string{"child"}, modules: []string{netlinkModule, netnsModule, nftablesModule, sysModule}, // sys: constants of the kernel
		testOurs: []string{"client", "replica", "wire"},
	},
	"chaos/mutants": {}, // it builds and runs the others
	"chaos/control": {},
	"chaos/simnet":  {testModules: []string{quicModule}},
	"chaos/history": {},
	"chaos/check":   {ours: []string{"chaos/history"}, modules: []string{porcupineModule}, pure: true}, // it knows nothing of what it judges
	"cmd/sessnode":  {anyOfOurs: true, modules: []string{ffModule, progressbarModule, termModule, tomlModule}},
	"client/internal/adapter": { // of the adapters, which are modules of their own
		ours: []string{"client", "replica"}, testOurs: []string{"client/clienttest"},
	},
}

// examples are programs of their own, one directory each, and need no line: they import anything of ours and nothing else.
const examples = "examples/"

// testTools may be imported by the tests of every package, and so may the network in memory.
var (
	testTools   = []string{cmpModule, goleakModule, testscriptModule}
	testNetwork = "chaos/simnet"
)

// sole names the one package that may touch a module, whatever the diagram says: the rest of us must not know it.
var sole = map[string]string{
	quicModule: "wire", memberlistModule: "node",
	prometheusModule: "metrics",
	netlinkModule:    "chaos/lab", netnsModule: "chaos/lab", nftablesModule: "chaos/lab",
}

func TestImportsFollowTheDiagram(t *testing.T) {
	for _, breach := range importBreaches(parse(t, os.DirFS("."))) {
		t.Error(breach)
	}
}

// importBreaches lists the imports that the diagram does not allow, and the packages that it does not know.
func importBreaches(tree []directory) []string {
	var breaches []string
	for _, d := range tree {
		rule, known := diagram[d.path]
		if strings.HasPrefix(d.path, examples) {
			rule, known = may{anyOfOurs: true}, true
		}
		if !known {
			breaches = append(breaches, d.path+": not in the diagram; add it to imports_test.go and to docs/ARCHITECTURE.md")
			continue
		}
		for _, f := range d.files {
			for _, imp := range f.imports() {
				if why := rule.refuses(d.path, f.isTest, imp.path); why != "" {
					breaches = append(breaches, fmt.Sprintf("%s: imports %s: %s", f.path, imp.path, why))
				}
			}
		}
	}
	return breaches
}

// refuses returns why a package must not import a path, or "".
func (m may) refuses(pkg string, isTest bool, importPath string) string {
	if importPath == "C" {
		return "the binary is static"
	}
	if isWithin(importPath, module) {
		return m.refusesOurs(pkg, isTest, strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/"))
	}
	if first, _, _ := strings.Cut(importPath, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	return m.refusesModule(pkg, isTest, importPath)
}

func (m may) refusesOurs(pkg string, isTest bool, target string) string {
	if m.anyOfOurs || slices.Contains(m.ours, target) {
		return ""
	}
	if isTest && (target == pkg || target == testNetwork || slices.Contains(m.testOurs, target)) {
		return ""
	}
	return fmt.Sprintf("the diagram lets %s import %v of ours", pkg, m.ours)
}

func (m may) refusesModule(pkg string, isTest bool, importPath string) string {
	for mod, owner := range sole {
		if isWithin(importPath, mod) && pkg != owner && !isTest {
			return "only " + owner + " may"
		}
	}
	allowed := m.modules
	if isTest {
		allowed = slices.Concat(allowed, m.testModules, testTools)
	}
	if slices.ContainsFunc(allowed, func(mod string) bool { return isWithin(importPath, mod) }) {
		return ""
	}
	return fmt.Sprintf("the diagram lets %s import the modules %v", pkg, allowed)
}
