package node

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/failover"
)

func TestProgressStatus(t *testing.T) {
	var pauses []time.Duration
	for i := range 200 {
		pauses = append(pauses, time.Duration(200-i)*time.Millisecond)
	}
	got := progressStatus(failover.Progress{
		Restoring: 1, Moving: 2, Left: 3, LeftBytes: 4, Waiting: "settling 6 s", SentBytes: 5, Pauses: pauses,
	})
	want := ProgressStatus{
		Restoring: 1, Moving: 2, Left: 3, LeftBytes: 4, Waiting: "settling 6 s", SentBytes: 5,
		Pauses: 200, PauseP50MS: 100, PauseP99MS: 198,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
	if pauses[0] != 200*time.Millisecond {
		t.Error("the core's list was sorted")
	}
	if got := progressStatus(failover.Progress{}); got != (ProgressStatus{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestWarnings(t *testing.T) {
	alive := []MemberStatus{{Name: "n1"}}
	two := []MemberStatus{{Name: "n1"}, {Name: "n2", Draining: true}}
	missing := []MissingStatus{{Name: "n2"}}
	off := []MemberStatus{{Name: "n1", Boot: "1", ClockOff: true}, {Name: "n2", Boot: "2"}}
	for _, c := range []struct {
		name   string
		status Status
		want   []string
	}{
		{"nothing", Status{Members: alive}, []string{}},
		{"one of two", Status{Members: alive, Missing: missing, Backups: 1, Slots: SlotStatus{Total: 12, Reduced: 12}}, []string{
			"12 slots have 1 copy fewer than they should: 1 of 2 members is alive: start the missing ones again",
			"n2 is missing: start again, or run 'sessnode forget NAME' for one that will never return",
		}},
		{"alone", Status{Members: alive, Backups: 2, Slots: SlotStatus{Reduced: 1}}, []string{
			"1 slot has up to 2 copies fewer than they should: 1 of 1 members is alive: start another member",
		}},
		{"draining", Status{Members: two, Backups: 1, Slots: SlotStatus{Reduced: 2}}, []string{
			"2 slots have 1 copy fewer than they should: 2 of 2 members are alive and 1 of them is draining: start another member",
		}},
		{"being restored", Status{Members: two, Backups: 1, Slots: SlotStatus{Reduced: 2, Short: 2}}, []string{
			"2 slots have fewer copies than 2 living members allow: they are being restored, see progress",
		}},
		{"the rest", Status{Members: alive, MinMembers: 2, Conflicts: 3, Slots: SlotStatus{Dead: 1},
			Events: map[string]uint64{string(failover.EventLost): 1}}, []string{
			"1 slot was claimed empty, because no node that held the sessions could be reached: those that were only cut off bring them back, those that died do not: set -zone, or -backups 2",
			"1 slot has a primary that is gone: if this lasts, start the missing members again",
			"commits are refused: 1 of at least 2 members is alive: start the others again, or lower -min-members",
			"writes given up in merges after a split: 3: see 'sessnode conflicts'",
		}},
		{"half upgraded", Status{Members: []MemberStatus{{Version: "v1.3.0"}, {Version: "v1.2.0"}, {}, {Version: "v1.3.0"}}}, []string{
			"members run different versions: finish the upgrade: one that does not tell, v1.2.0, v1.3.0",
		}},
		{"clock off", Status{Boot: "1", Members: off, ClockState: ClockOff, ClockAheadMS: 8012}, []string{
			"this node's clock is 8s ahead of the others': it leads no slot until it is right: check NTP",
		}},
		{"clock of another", Status{Boot: "2", Members: off}, []string{
			"the clock of n1 is off: it leads no slot until it is right: check NTP there",
		}},
		{"clocks differ", Status{Members: alive, ClockState: ClocksDiffer, ClockAheadMS: -612}, []string{
			"this node's clock is 600ms behind another member's, and no majority of three says whose is wrong: check NTP on all",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, warnings(&c.status)); d != "" {
				t.Errorf("differ (-want +got):\n%s", d)
			}
		})
	}
}

func TestBackupsWanted(t *testing.T) {
	members := []MemberStatus{{}, {}, {Draining: true}}
	for _, c := range []struct{ configured, members, want int }{
		{0, 3, 0}, {1, 3, 1}, {2, 3, 1}, {2, 2, 1}, {1, 1, 0},
	} {
		if got := backupsWanted(c.configured, staying(members[:c.members])); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if got := backupsWanted(1, staying(members[2:])); got != 0 {
		t.Errorf("when all drain: %d", got)
	}
}

// A member of an earlier version tells no flags or not its version, and one of a later version tells more.
func TestMetaFlags(t *testing.T) {
	m := meta{
		boot: 1 << 60, cluster: 2, started: 3, slots: 4, limits: 5, name: "n1", zone: "z", addr: "10.0.0.1:7946", flags: metaDraining,
		version: "v1.2.0",
	}
	whole := m.encode()
	for _, missing := range []int{1 + len("v1.2.0"), 1, len("v1.2.0") + 2} {
		earlier, err := decodeMeta(whole[:len(whole)-missing])
		flagged := missing < len("v1.2.0")+2
		if err != nil || (earlier.flags != 0) != flagged || earlier.name != "n1" || earlier.version != "" {
			t.Errorf("earlier by %d bytes: %+v, %v", missing, earlier, err)
		}
	}
	later, err := decodeMeta(append(whole, 1, 2, 3))
	if err != nil || later != m || !later.member().Draining {
		t.Errorf("later: %+v, %v", later, err)
	}
}

func TestSplitPolicy(t *testing.T) {
	joining := []string{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"}
	for _, c := range []struct {
		conf   Config
		others int
		want   int
		wrong  string
	}{
		{Config{}, 2, 0, ""},
		{Config{Split: "available"}, 2, 0, ""},
		{Config{Split: "guard", Join: joining}, 2, 2, ""},
		{Config{Split: "guard", Join: joining}, 4, 3, ""},
		{Config{Split: "guard", MinMembers: 4}, 0, 4, ""},
		{Config{Split: "guard"}, 0, 0, "say how many"},
		{Config{Split: "guess"}, 0, 0, "choose available or guard"},
		{Config{MinMembers: 2}, 0, 0, "goes with the split policy guard only"},
		{Config{Split: "guard", MinMembers: -1}, 0, 0, "choose 1 to 1000"},
	} {
		err := c.conf.Validate()
		switch {
		case c.wrong == "" && (err != nil || c.conf.minMembers(c.others) != c.want):
			t.Errorf("%+v: %d, %v; want %d", c.conf, c.conf.minMembers(c.others), err, c.want)
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%+v: %v; want %q", c.conf, err, c.wrong)
		}
	}
}
