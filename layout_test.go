package sessnode_test

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// vague are package names that say nothing about what is inside.
var vague = []string{"base", "common", "helper", "helpers", "misc", "shared", "types", "util", "utils"}

func TestEveryPackageIsNamedAndDocumented(t *testing.T) {
	for _, breach := range layoutBreaches(parse(t, os.DirFS("."))) {
		t.Error(breach)
	}
}

// layoutBreaches lists packages with vague names and packages without a doc.go that holds the package comment.
func layoutBreaches(tree []directory) []string {
	var breaches []string
	for _, d := range tree {
		for _, f := range d.files {
			name := strings.TrimSuffix(f.syntax.Name.Name, "_test")
			if slices.Contains(vague, name) || slices.Contains(vague, path.Base(d.path)) {
				breaches = append(breaches, fmt.Sprintf("%s: package %s: name it for what it holds", f.path, name))
			}
		}
		if !isDocumented(d) {
			breaches = append(breaches, d.path+": no doc.go with a package comment")
		}
	}
	return breaches
}

// isDocumented is true also for an example with its comment in any file, and for a directory that holds tests alone.
func isDocumented(d directory) bool {
	isProduction := func(f file) bool { return !f.isTest }
	if !slices.ContainsFunc(d.files, isProduction) {
		return true
	}
	return slices.ContainsFunc(d.files, func(f file) bool {
		inPlace := path.Base(f.path) == "doc.go" || strings.HasPrefix(d.path, examples)
		return inPlace && strings.TrimSpace(f.syntax.Doc.Text()) != ""
	})
}
