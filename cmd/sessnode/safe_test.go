package main

import (
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

// safeStatus is what a member of two says when nothing is missing.
func safeStatus(name string) node.Status {
	return node.Status{
		Node: name, Boot: name, Ready: true, Backups: 1,
		Members: []node.MemberStatus{{Name: "n1", Boot: "n1"}, {Name: "n2", Boot: "n2"}},
	}
}

func TestWhyUnsafe(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(s *node.Status) // of the second member
		want   string
	}{
		{"safe", func(*node.Status) {}, ""},
		{"draining", func(s *node.Status) { s.Draining, s.Ready = true, false }, ""},
		{"not ready", func(s *node.Status) { s.Ready, s.Reason = false, "has just joined" }, "n2 is not ready: has just joined"},
		{"unclaimed", func(s *node.Status) { s.Slots.Unclaimed = 1 }, "n2 knows 1 slots that nobody has claimed"},
		{"dead", func(s *node.Status) { s.Slots.Dead = 2 }, "n2 knows 2 slots with a dead primary"},
		{"short", func(s *node.Status) { s.Slots.Short = 3 }, "n2 knows 3 slots that are short of a backup"},
		{"sole", func(s *node.Status) { s.Slots.Sole = 4 }, "n2 knows 4 slots with a single copy"},
		{"to be merged", func(s *node.Status) { s.Held.Holder = 5 }, "n2 holds 5 slots whose sessions are still to be merged"},
		{"being filled", func(s *node.Status) { s.Progress.Restoring = 6 }, "n2 makes 6 copies that are missing"},
		{"sees another", func(s *node.Status) {
			s.Members = append(s.Members, node.MemberStatus{Name: "n3", Boot: "n3"})
		}, "n2 sees n3, which has not been asked"},
		{"sees an earlier boot", func(s *node.Status) { s.Members[0].Boot = "dead" }, "n2 sees n1, which has not been asked"},
		{"sees one only", func(s *node.Status) { s.Members = s.Members[1:] }, "n2 sees 1 of 2 members"},
	} {
		t.Run(c.name, func(t *testing.T) {
			second := safeStatus("n2")
			c.change(&second)
			if got := whyUnsafe([]node.Status{safeStatus("n1"), second}, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	alone := safeStatus("n1")
	alone.Members = alone.Members[:1]
	for _, c := range []struct {
		statuses []node.Status
		silent   []string
		want     string
	}{
		{nil, nil, "no member answers"},
		{[]node.Status{alone}, nil, "n1 is the only member"},
		{[]node.Status{safeStatus("n1")}, []string{"n2"}, "n2: no answer"},
	} {
		if got := whyUnsafe(c.statuses, c.silent); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Members that are missing are waited for, each time that they are others anew, but not for ever.
func TestWhyMissing(t *testing.T) {
	var a safetyAsker
	now := time.Now()
	for _, c := range []struct {
		after   time.Duration
		missing []string
		want    string
	}{
		{0, nil, ""},
		{time.Minute, []string{"n3"}, "missing and given 10s to come back: n3"},
		{9900 * time.Millisecond, []string{"n3"}, "missing and given 10s to come back: n3"},
		{100 * time.Millisecond, []string{"n3"}, ""},
		{time.Second, []string{"n2", "n3"}, "missing and given 10s to come back: n2, n3"},
		{9 * time.Second, []string{"n3"}, "missing and given 10s to come back: n3"},
		{time.Second, nil, ""},
		{time.Second, []string{"n3"}, "missing and given 10s to come back: n3"},
	} {
		now = now.Add(c.after)
		if got := a.whyMissing(now, c.missing); got != c.want {
			t.Errorf("missing %v: got %q, want %q", c.missing, got, c.want)
		}
	}
}
