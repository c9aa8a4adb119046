package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// finding is what was found of a mutant, or not.
type finding struct {
	caught bool
	seed   int
	by     string // the check that fired; of the lab, guarantee and checker
	text   string // what it said, or why there is no finding
	took   time.Duration
}

// replay builds the protocol with an overlay, none for the product as it is, and runs it under the seeded scheduler until an
// invariant breaks, after a trial if there is one. The error is that it could not be run.
func (r *runner) replay(ctx context.Context, overlay, dir, trial string) (finding, error) {
	binary := filepath.Join(dir, "replay.test")
	if err := r.goTool(ctx, "test", "-c", "-ldflags=-s -w", "-overlay", overlay, "-o", binary, "./failover"); err != nil {
		return finding{}, err
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	cmd := exec.CommandContext(limited, binary, "-test.run", "^(TestReplay|"+trial+")$", "-test.count", "1", "-test.timeout", "0", "-test.failfast",
		"-replay.seeds", strconv.Itoa(r.seeds), "-replay.stop")
	cmd.Dir = filepath.Join(r.root, "failover")
	out, err := cmd.CombinedOutput()
	f := readReplay(string(out))
	f.took = time.Since(began)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return f, ctx.Err()
	case limited.Err() != nil:
		return finding{text: fmt.Sprintf("not done after %v", r.limit), took: f.took}, nil
	case err == nil:
		return finding{text: fmt.Sprintf("%d seeds found nothing", r.seeds), took: f.took}, nil
	case !errors.As(err, &exit) || !f.caught:
		return f, fmt.Errorf("run the replay: %w\n%s", err, out)
	}
	return f, nil
}

var (
	violationLine = regexp.MustCompile(`(?m)^ +replay_test\.go:\d+: seed (\d+): +([\d.]+s) (.*)$`)
	foundLine     = regexp.MustCompile(`(?m)^ +found by (\S+)`)
	trialLine     = regexp.MustCompile(`(?m)^--- FAIL: (Test\w+) .*\n +\w+_test\.go:\d+: (.*)$`)
	otherLine     = regexp.MustCompile(`(?m)^ +replay_test\.go:\d+: (.*)$`)
	panicLine     = regexp.MustCompile(`(?m)^panic: (.*)$`)
)

// readReplay reads what a replay printed that failed.
func readReplay(out string) finding {
	if m := violationLine.FindStringSubmatch(out); m != nil {
		seed, _ := strconv.Atoi(m[1]) // digits
		f := finding{caught: true, seed: seed, by: "?", text: m[3]}
		if by := foundLine.FindStringSubmatch(out); by != nil {
			f.by = by[1]
		}
		return f
	}
	if m := panicLine.FindStringSubmatch(out); m != nil {
		return finding{caught: true, by: "panic", text: m[1]}
	}
	if m := trialLine.FindStringSubmatch(out); m != nil && m[1] != "TestReplay" {
		return finding{caught: true, by: m[1], text: m[2]}
	}
	if m := otherLine.FindStringSubmatch(out); m != nil {
		return finding{caught: true, by: "TestReplay", text: m[1]}
	}
	return finding{text: strings.TrimSpace(out)}
}

// goTool runs the go command at the root.
func (r *runner) goTool(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
