package cache

import (
	"fmt"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// BenchmarkCart is what a load that brings a change and a commit of one attribute cost the cache, for sessions of ten.
func BenchmarkCart(b *testing.B) {
	c := New(64 << 20)
	all := make([]*replica.Session, 10_000)
	for i := range all {
		s := ofSize(fmt.Sprint("session-", i), 1, 400)
		for a := range 9 {
			s.Attrs = append(s.Attrs, &replica.Attr{Name: fmt.Sprint("b", a), Value: make([]byte, 400), Stamp: s.Stamp})
		}
		all[i] = s
		c.replace(nil, told(s), &c.misses)
	}
	commit := &replica.Commit{Changes: []replica.Change{setTo("b5", "0123456789")}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key := all[i*7919%len(all)].Key
		l, held := c.question(&replica.Load{Key: key})
		part := ofSize(key.ID, uint64(2*i+2), 64)
		whole := held.updated(part)
		c.loaded(&l, held, &replica.Result{Stamp: part.Stamp, Session: part, Whole: whole.digest}, nil)
		commit.Key = key
		c.Committed(commit, &replica.Result{Stamp: replica.Stamp{Clock: uint64(2*i + 3), Boot: 1}}, nil)
	}
}
