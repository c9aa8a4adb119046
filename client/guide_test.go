package client_test

import (
	"os"
	"strings"
	"testing"
)

// What the guide shows is what the examples compile.
func TestGuideQuotesExamples(t *testing.T) {
	var compiled string
	for _, name := range []string{"example_test.go", "clienttest/example_test.go"} {
		compiled += lines(read(t, name))
	}
	guide := read(t, "../docs/HANDLERS.md")
	blocks := strings.Split(guide, "```go\n")[1:]
	if len(blocks) < 10 {
		t.Errorf("the guide has %d pieces of code", len(blocks))
	}
	for _, block := range blocks {
		code, _, _ := strings.Cut(block, "```")
		if !strings.Contains(compiled, lines(code)) {
			t.Errorf("this code is in no example:\n%s", code)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lines is text without the white space around its lines.
func lines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
