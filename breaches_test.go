package sessnode_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestBreachesAreSeen holds the checks of this directory to their word: each line is a file that one of them must
// refuse, or must let pass where want is empty.
func TestBreachesAreSeen(t *testing.T) {
	const ours = module + "/"
	tests := []struct {
		name, file, code string
		want             string // part of the only breach
	}{
		{"downwards", "failover/x.go", `import _ "` + ours + `ring"`, ""},
		{"upwards", "ring/x.go", `import _ "` + ours + `failover"`, "lets ring import [] of ours"},
		{"sideways", "replica/x.go", `import _ "` + ours + `ring"`, "lets replica import [] of ours"},
		{"the root", "client/x.go", `import _ "` + module + `"`, "lets client import"},
		{"client to node", "client/x.go", `import _ "` + ours + `node"`, "lets client import"},
		{"client's test to node", "client/x_test.go", `import _ "` + ours + `node"`, ""},
		{"client's test to chaos", "client/x_test.go", `import _ "` + ours + `chaos"`, "lets client import"},
		{"the network in a test", "wire/x_test.go", `import _ "` + ours + `chaos/simnet"`, ""},
		{"the network elsewhere", "wire/x.go", `import _ "` + ours + `chaos/simnet"`, "lets wire import"},
		{"another operating system", "ring/x_windows.go", `import _ "` + ours + `wire"`, "lets ring import"},
		{"command", "cmd/sessnode/x.go", `import _ "` + ours + `chaos"`, ""},
		{"example", "examples/shop/x.go", `import _ "` + ours + `client"`, ""},
		{"unknown package", "client/redis/x.go", "", "client/redis: not in the diagram"},
		{"unknown package of tests", "e2e/x_test.go", "", "e2e: not in the diagram"},

		{"module in its place", "wire/x.go", `import _ "github.com/quic-go/quic-go/quicvarint"`, ""},
		{"module of another", "client/x.go", `import _ "github.com/quic-go/quic-go"`, "only wire may"},
		{"module in a command", "cmd/sessnode/x.go", `import _ "github.com/hashicorp/memberlist"`, "only node may"},
		{"module in a test", "ring/x_test.go", `import _ "github.com/quic-go/quic-go"`, "lets ring import the modules"},
		{"similar module", "wire/x.go", `import _ "github.com/quic-go/quic-go-fork"`, "lets wire import the modules"},
		{"test tool in a test", "ring/x_test.go", `import _ "github.com/google/go-cmp/cmp"`, ""},
		{"test tool elsewhere", "ring/x.go", `import _ "github.com/google/go-cmp/cmp"`, "lets ring import the modules"},
		{"C", "node/x.go", `import "C"`, "the binary is static"},

		{"goroutine", "ring/x.go", "func f() { go f() }", "start a goroutine"},
		{"goroutine in a test", "ring/x_test.go", "func f() { go f() }", ""},
		{"goroutine elsewhere", "node/x.go", "func f() { go f() }", ""},
		{"clock", "ring/x.go", `import "time"; var now = time.Now`, "use time.Now"},
		{"renamed clock", "ring/x.go", `import c "time"; var _ = c.Now()`, "use c.Now"},
		{"hidden clock", "ring/x.go", `import . "time"; var _ = Now()`, "dot import of time"},
		{"duration", "ring/x.go", `import "time"; var d = time.Second`, ""},
		{"global dice", "ring/x.go", `import "math/rand/v2"; var _ = rand.IntN(6)`, "use rand.IntN"},
		{"own dice", "ring/x.go", `import "math/rand/v2"; var _ = rand.New(rand.NewPCG(1, 2))`, ""},
		{"old dice", "ring/x.go", `import _ "math/rand"`, "import math/rand"},
		{"terminal", "ring/x.go", `import "fmt"; func f() { fmt.Println() }`, "use fmt.Println"},
		{"format", "ring/x.go", `import "fmt"; var s = fmt.Sprint()`, ""},
		{"web", "failover/x.go", `import _ "net/http"`, "import net/http"},
		{"address", "failover/x.go", `import _ "net/netip"`, ""},
		{"file", "replica/x.go", `import _ "os"`, "import os"},
		{"log", "replica/x.go", `import _ "log/slog"`, "import log/slog"},
		{"mutex", "replica/x.go", `import _ "sync"`, "import sync"},

		{"vague name", "chaos/check/x.go", "package util", "name it for what it holds"},
		{"vague test", "chaos/check/x_test.go", "package helpers_test", "name it for what it holds"},
		{"ignored", "ring/testdata/x.go", `import _ "` + ours + `wire"`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.file[:strings.LastIndex(tt.file, "/")]
			code := tt.code
			if !strings.HasPrefix(code, "package ") {
				code = "package x; " + code
			}
			got := breaches(t, fstest.MapFS{
				tt.file:         {Data: []byte(code)},
				dir + "/doc.go": {Data: []byte("// Package x is documented.\npackage x")},
			})
			if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
				t.Errorf("%s with %q: breaches %q, want %q", tt.file, tt.code, got, tt.want)
			}
		})
	}
}

func TestMissingCommentsAreSeen(t *testing.T) {
	got := breaches(t, fstest.MapFS{
		"ring/ring.go":          {Data: []byte("// Package ring has its comment in the wrong file.\npackage ring")},
		"wire/doc.go":           {Data: []byte("package wire")},
		"node/doc.go":           {Data: []byte("// Package node is documented.\npackage node")},
		"client/x_test.go":      {Data: []byte("package client_test")},
		"examples/shop/main.go": {Data: []byte("// Shop is one file.\npackage main")},
		"other/go.mod":          {Data: []byte("module other")},
		"other/other.go":        {Data: []byte("package other")},
	})
	want := []string{"ring: no doc.go with a package comment", "wire: no doc.go with a package comment"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("breaches (-want +got):\n%s", diff)
	}
}

func breaches(t *testing.T, source fstest.MapFS) []string {
	t.Helper()
	tree := parse(t, source)
	all := append(importBreaches(tree), purityBreaches(tree)...)
	return append(all, layoutBreaches(tree)...)
}
