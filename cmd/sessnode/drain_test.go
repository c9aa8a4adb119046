package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/node"
)

// Where nobody watches, a line at most each second, and none that says what the last one said.
func TestDrainProgressOffTerminal(t *testing.T) {
	var out bytes.Buffer
	p := &program{err: &out}
	status := func(primary, backup, bytes int, waiting string) node.Status {
		return node.Status{
			Node: "n2", Held: node.HeldStatus{Primary: primary, Backup: backup},
			Progress: node.ProgressStatus{LeftBytes: bytes, Waiting: waiting},
		}
	}
	v := p.drainProgress(status(60, 40, 0, ""))
	v.show(status(60, 40, 0, ""), 0)
	v.show(status(60, 39, 0, ""), 500*time.Millisecond) // too soon
	v.show(status(40, 20, 1_234_567, ""), 2*time.Second)
	v.show(status(40, 20, 1_234_567, ""), 4*time.Second) // no news
	v.show(status(40, 20, 0, "byte budget"), 6*time.Second)
	v.show(status(0, 0, 0, ""), 8*time.Second)
	v.end()
	const want = `draining n2: 100 slots left, 0 bytes on the way
draining n2: 60 slots left, 1234 kB on the way; about 3s to go
draining n2: 60 slots left, 0 bytes on the way; waiting: byte budget; about 9s to go
draining n2: 0 slots left, 0 bytes on the way
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}
