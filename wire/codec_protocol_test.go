package wire

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const protocolPath = "../docs/PROTOCOL.md"

// The examples in docs/PROTOCOL.md are the golden frames.
func TestGoldenProtocolExamples(t *testing.T) {
	examples := regexp.MustCompile("(?s)```hex (\\S+)\n(.*?)```").FindAllStringSubmatch(protocolText(t), -1)
	if len(examples) < 4 {
		t.Fatalf("found %d examples", len(examples))
	}
	for _, e := range examples {
		var digits strings.Builder
		for line := range strings.Lines(e[2]) {
			bytes, _, _ := strings.Cut(strings.TrimSpace(line), "  ") // two spaces begin a comment
			digits.WriteString(strings.ReplaceAll(bytes, " ", ""))
		}
		if got, want := digits.String(), hex.EncodeToString(readGolden(t, goldenPath(e[1]))); got != want {
			t.Errorf("%s in %s is\n%s\nwant\n%s", e[1], protocolPath, got, want)
		}
	}
}

// Every message has a section, under its number.
func TestGoldenProtocolHeadings(t *testing.T) {
	var want []string
	for _, number := range slices.Sorted(maps.Keys(typeNames)) {
		want = append(want, fmt.Sprintf("### %d %s", number, typeNames[number]))
	}
	got := regexp.MustCompile(`(?m)^### \d+ \w+$`).FindAllString(protocolText(t), -1)
	if d := diff(want, got); d != "" {
		t.Errorf("headings of %s differ (-want +got):\n%s", protocolPath, d)
	}
}

func protocolText(t *testing.T) string {
	text, err := os.ReadFile(protocolPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
