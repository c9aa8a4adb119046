package wire

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden frames of testdata anew: a change of the protocol")

// TestGolden pins the format. A golden file is the sample's name on the first line and its frame in hexadecimal.
func TestGolden(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			got := AppendMessage(nil, s.message, sampleNow)
			if *update {
				writeGolden(t, s.name, got)
			}
			want := readGolden(t, goldenPath(s.name))
			if hex.EncodeToString(got) != hex.EncodeToString(want) {
				t.Errorf("frame of %d bytes:\n%sgolden frame of %d bytes:\n%s", len(got), hex.Dump(got), len(want), hex.Dump(want))
			}
		})
	}
}

func TestGoldenFilesAreAllUsed(t *testing.T) {
	used := map[string]bool{}
	for _, s := range samples() {
		used[goldenPath(s.name)] = true
	}
	files, err := filepath.Glob(goldenPath("*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !used[f] {
			t.Errorf("%s belongs to no sample", f)
		}
	}
}

func goldenPath(name string) string { return filepath.Join("testdata", "golden", name+".hex") }

func writeGolden(t *testing.T, name string, frame []byte) {
	var text strings.Builder
	fmt.Fprintln(&text, name)
	for len(frame) > 0 {
		n := min(32, len(frame))
		fmt.Fprintf(&text, "%x\n", frame[:n])
		frame = frame[n:]
	}
	if err := os.MkdirAll(filepath.Dir(goldenPath(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenPath(name), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -run Golden -update writes it)", err)
	}
	_, digits, _ := strings.Cut(string(text), "\n")
	frame, err := hex.DecodeString(strings.ReplaceAll(digits, "\n", ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return frame
}
