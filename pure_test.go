package sessnode_test

import (
	"fmt"
	"go/ast"
	"os"
	"slices"
	"testing"
)

// impure are packages that read or change what lies outside of a pure package, or that only goroutines need.
// What lies below them is impure too.
var impure = []string{"crypto/rand", "log", "math/rand", "net", "os", "runtime", "sync", "syscall", "unsafe"}

// pureAfterAll lie below an impure package, but hold plain values.
var pureAfterAll = []string{"math/rand/v2", "net/netip"}

// impureNames are the members of pure packages that reach outside: the clock, the terminal.
var impureNames = map[string][]string{
	"fmt":  {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Local"},
}

// seeded are the members of math/rand/v2 that take their randomness from the caller; all others draw from the process.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

func TestPurePackagesArePure(t *testing.T) {
	for _, breach := range purityBreaches(parse(t, os.DirFS("."))) {
		t.Error(breach)
	}
}

// viewsBytes is the one file of the pure packages that may import unsafe: only to see the bytes of a string as a slice, or those
// of an array as a string, that nobody modifies.
const viewsBytes = "replica/packed.go"

// purityBreaches lists where pure packages start goroutines, look at the clock, throw dice or open anything.
// Their tests may.
func purityBreaches(tree []directory) []string {
	var breaches []string
	for _, d := range tree {
		for _, f := range d.files {
			if f.isTest || !diagram[d.path].pure {
				continue
			}
			for _, what := range append(impureImports(f), impureCode(f)...) {
				if f.path == viewsBytes && what == "import unsafe" {
					continue
				}
				breaches = append(breaches, fmt.Sprintf("%s: a pure package must not %s", f.path, what))
			}
		}
	}
	return breaches
}

func impureImports(f file) []string {
	var found []string
	for _, imp := range f.imports() {
		below := func(parent string) bool { return isWithin(imp.path, parent) }
		if slices.ContainsFunc(impure, below) && !slices.Contains(pureAfterAll, imp.path) {
			found = append(found, "import "+imp.path)
		}
		if imp.name == "." {
			found = append(found, "hide where names come from: dot import of "+imp.path)
		}
	}
	return found
}

func impureCode(f file) []string {
	paths := make(map[string]string)
	for _, imp := range f.imports() {
		paths[imp.name] = imp.path
	}
	var found []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "start a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && isImpureName(paths[x.Name], n.Sel.Name) {
				found = append(found, "use "+x.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}

func isImpureName(importPath, name string) bool {
	if importPath == "math/rand/v2" {
		return !slices.Contains(seeded, name)
	}
	return slices.Contains(impureNames[importPath], name)
}
