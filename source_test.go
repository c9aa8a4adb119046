package sessnode_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
)

// module is the path in front of every import of our own.
const module = "github.com/sessnode/sessnode"

// directory is what one directory of the module holds in Go, for every operating system.
type directory struct {
	path  string // relative to the root, which is "."
	files []file
}

type file struct {
	path   string
	isTest bool
	syntax *ast.File
}

// imported is one import of one file.
type imported struct {
	name string // as the file says it, or as the path suggests
	path string
}

// parse reads every package of a tree in the order of their paths. It leaves out what the go command leaves out.
func parse(t *testing.T, tree fs.FS) []directory {
	t.Helper()
	var all []directory
	err := fs.WalkDir(tree, ".", func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if isIgnored(tree, dir) {
			return fs.SkipDir
		}
		if d := parseDir(t, tree, dir); len(d.files) > 0 {
			all = append(all, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func parseDir(t *testing.T, tree fs.FS, dir string) directory {
	t.Helper()
	d := directory{path: dir}
	names, err := fs.Glob(tree, path.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		d.files = append(d.files, file{name, strings.HasSuffix(name, "_test.go"), syntax})
	}
	return d
}

// isIgnored reports whether the go command does not look into a directory: hidden ones, testdata, other modules.
func isIgnored(tree fs.FS, dir string) bool {
	if dir == "." {
		return false
	}
	base := path.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "vendor" {
		return true
	}
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

func (f file) imports() []imported {
	var all []imported
	for _, spec := range f.syntax.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser let it pass
		}
		name := path.Base(p)
		if isVersion(name) {
			name = path.Base(path.Dir(p))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		all = append(all, imported{name, p})
	}
	return all
}

// isVersion reports whether the last element of an import path is a major version such as v2.
func isVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	_, err := strconv.Atoi(digits)
	return ok && err == nil
}

// isWithin reports whether an import path is a module or package, or lies below it.
func isWithin(importPath, parent string) bool {
	return importPath == parent || strings.HasPrefix(importPath, parent+"/")
}
