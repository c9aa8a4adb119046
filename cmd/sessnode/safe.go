package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
)

const (
	// safeTimeout is how long -wait-safe waits unless -timeout says otherwise.
	safeTimeout = 5 * time.Minute
	// pollEvery is how often a command that waits asks again.
	pollEvery = 500 * time.Millisecond
	// pollTimeout is how long one member has to answer a command that waits.
	pollTimeout = 2 * time.Second
	// missingPatience is how long -wait-safe waits for members that are missing: they are looked for every two seconds, so
	// that one that can be reached again, after a split or a restart, is back by then.
	missingPatience = 10 * time.Second
)

// errNeverSafe: no waiting makes it safe to stop a node.
var errNeverSafe = errors.New("no node can ever be stopped without losing sessions")

// safety is what `sessnode status -wait-safe -json` prints.
type safety struct {
	Safe    bool     `json:"safe"`
	Waiting string   `json:"waiting,omitempty"` // for what, if it is not safe
	Members []string `json:"members"`           // that were asked
	Missing []string `json:"missing,omitempty"` // that the others look for
	Seconds float64  `json:"seconds"`           // waited
}

// waitSafe returns when stopping any one node loses nothing and leaves no slot without a copy, or when conn's time-out is
// over.
func (p *program) waitSafe(ctx context.Context, conn connection, asJSON bool) error {
	limit := conn.timeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNotInTime)
	defer cancel()
	conn.timeout = min(limit, pollTimeout)
	asker := &safetyAsker{conn: conn}
	defer asker.close()
	progress := p.notice("waiting until it is safe to stop a node")
	defer progress.end()
	started := time.Now()
	for {
		result, err := asker.ask(ctx)
		result.Seconds = time.Since(started).Seconds()
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case err == nil && result.Safe:
			progress.end()
			return p.printSafety(result, asJSON)
		case err == nil:
			asker.last = result
			progress.show(result.Waiting)
		}
		if !sleep(ctx, pollEvery) {
			return asker.timedOut(ctx, limit)
		}
	}
}

// timedOut is the error of a wait that was ended.
func (a *safetyAsker) timedOut(ctx context.Context, limit time.Duration) error {
	if !errors.Is(context.Cause(ctx), errNotInTime) {
		return ctx.Err()
	}
	waiting := cmp.Or(a.last.Waiting, "no node has answered")
	return explain(errNotInTime, "not safe within %v: %s: see 'sessnode status', or wait longer with -timeout", limit, waiting)
}

// safetyAsker asks all members of a cluster, whoever of them is up.
type safetyAsker struct {
	conn   connection
	client *client.Client // nil until a node has answered
	last   safety         // that was not safe

	missing []string  // when asked last
	since   time.Time // those have been the missing ones
}

// ask is what the members say at this moment. An error is one that no further try will mend.
func (a *safetyAsker) ask(ctx context.Context) (safety, error) {
	if a.client == nil {
		c, err := a.conn.connect(ctx)
		switch {
		case err != nil && exitCode(err) != exitNetwork:
			return safety{}, err
		case err != nil:
			return safety{Waiting: "no node answers at " + a.conn.nodes}, nil
		}
		a.client = c
	}
	asked := askAll[node.Status](ctx, a.client, "status", "")
	if err := unable(asked); err != nil {
		return safety{}, err
	}
	statuses := saidBy(asked)
	if len(statuses) > 0 && statuses[0].Backups == 0 {
		return safety{}, fmt.Errorf("%w: the cluster keeps no backups: start its nodes with -backups 1", errNeverSafe)
	}
	result := safety{Members: []string{}, Waiting: whyUnsafe(statuses, silentOf(asked))}
	for _, s := range statuses {
		result.Members = append(result.Members, s.Node)
	}
	for _, m := range missingOf(statuses) {
		result.Missing = append(result.Missing, m.Name)
	}
	result.Waiting = cmp.Or(result.Waiting, a.whyMissing(time.Now(), result.Missing))
	result.Safe = result.Waiting == ""
	return result, nil
}

// whyMissing names members that are missing, until the same ones have been for as long as they get to come back.
func (a *safetyAsker) whyMissing(now time.Time, missing []string) string {
	if !slices.Equal(a.missing, missing) {
		a.missing, a.since = missing, now
	}
	if len(missing) == 0 || now.Sub(a.since) >= missingPatience {
		return ""
	}
	return fmt.Sprintf("missing and given %v to come back: %s", missingPatience, strings.Join(missing, ", "))
}

func (a *safetyAsker) close() {
	if a.client != nil {
		_ = a.client.Close() // nothing was sent that could be lost
	}
}

// whyUnsafe is what all members, asked at about the same moment, lack for any one of them to be stopped; empty if they lack
// nothing. silent names those that did not answer.
func whyUnsafe(statuses []node.Status, silent []string) string {
	switch {
	case len(silent) > 0:
		return strings.Join(silent, ", ") + ": no answer"
	case len(statuses) == 0:
		return "no member answers"
	case len(statuses) == 1 && len(statuses[0].Members) == 1:
		return statuses[0].Node + " is the only member"
	}
	boots := map[string]bool{}
	for _, s := range statuses {
		boots[s.Boot] = true
	}
	for _, s := range statuses {
		if why := cmp.Or(whyMembersDiffer(s, boots), whyNodeUnsafe(s)); why != "" {
			return s.Node + " " + why
		}
	}
	return ""
}

// whyMembersDiffer is empty when a node sees exactly the members that answered.
func whyMembersDiffer(s node.Status, answered map[string]bool) string {
	for _, m := range s.Members {
		if !answered[m.Boot] {
			return "sees " + m.Name + ", which has not been asked"
		}
	}
	if len(s.Members) < len(answered) {
		return fmt.Sprintf("sees %d of %d members", len(s.Members), len(answered))
	}
	return ""
}

// whyNodeUnsafe is what one node lacks, by its own account.
func whyNodeUnsafe(s node.Status) string {
	for _, r := range []struct {
		count int
		what  string
	}{
		{s.Slots.Unclaimed, "knows %d slots that nobody has claimed"},
		{s.Slots.Dead, "knows %d slots with a dead primary"},
		{s.Slots.Short, "knows %d slots that are short of a backup"},
		{s.Slots.Sole, "knows %d slots with a single copy"},
		{s.Held.Holder, "holds %d slots whose sessions are still to be merged"},
		{s.Progress.Restoring, "makes %d copies that are missing"},
	} {
		if r.count > 0 {
			return fmt.Sprintf(r.what, r.count)
		}
	}
	if !s.Ready && !s.Draining {
		return "is not ready: " + s.Reason
	}
	return ""
}

func (p *program) printSafety(s safety, asJSON bool) error {
	if asJSON {
		return printJSON(p.out, s)
	}
	missing := ""
	if len(s.Missing) > 0 {
		missing = "; missing: " + strings.Join(s.Missing, ", ")
	}
	_, err := fmt.Fprintf(p.out, "safe: any one of %s may be stopped%s\n", strings.Join(s.Members, ", "), missing)
	return err
}

// sleep waits, and reports whether ctx goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
