package main

import (
	"fmt"
	"time"

	"github.com/sessnode/sessnode/node"
)

// pace tells how long what is under way takes at the pace seen so far, or, where nothing was seen yet, at least.
type pace struct {
	total int
	began time.Time
}

// text takes a node's progress at a time.
func (p *pace) text(s node.ProgressStatus, now time.Time) string {
	if s.Left == 0 {
		*p = pace{}
		return ""
	}
	if s.Left > p.total {
		*p = pace{s.Left, now}
	}
	if about := estimate(p.total, s.Left, now.Sub(p.began)); about != "" {
		return about
	}
	if s.LeastSeconds >= 1 {
		return fmt.Sprintf("; at least %v to go", (time.Duration(s.LeastSeconds) * time.Second))
	}
	return ""
}
