package node

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sessnode/sessnode/failover"
)

// warnings is what an operator should know of a status, each with what to do about it.
func warnings(s *Status) []string {
	all := []string{}
	warn := func(applies bool, format string, args ...any) {
		if applies {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	lost := s.Events[string(failover.EventLost)]
	warn(lost > 0, "%s claimed empty, because no node that held the sessions could be reached: those that were only cut off bring them "+
		"back, those that died do not: set -zone, or -backups 2", were(lost))
	warn(s.Slots.Dead > 0, "%s a primary that is gone: if this lasts, start the missing members again", have(s.Slots.Dead))
	warn(s.Slots.Short > 0, "%s fewer copies than %d living members allow: they are being restored, see progress",
		have(s.Slots.Short), len(s.Members))
	warn(s.Slots.Reduced > s.Slots.Short, "%s", fewMembers(s))
	warn(len(s.Members) < s.MinMembers, "commits are refused: %d of at least %d members %s alive: start the others again, or "+
		"lower -min-members", len(s.Members), s.MinMembers, isAre(len(s.Members)))
	warn(len(s.Missing) > 0, "%s missing: start again, or run 'sessnode forget NAME' for one that will never return", names(s.Missing))
	warn(len(versionsOf(s)) > 1, "members run different versions: finish the upgrade: %s", strings.Join(versionsOf(s), ", "))
	for _, w := range clockWarnings(s) {
		warn(true, "%s", w)
	}
	warn(short(s.Memory), "sessions take %d MiB of %d MiB: no slots are taken in, and when all is taken nothing may grow: add a node, "+
		"or raise -memory", s.Memory.UsedBytes>>20, s.Memory.LimitBytes>>20)
	warn(s.Conflicts > 0, "writes given up in merges after a split: %d: see 'sessnode conflicts'", s.Conflicts)
	return all
}

// short reports whether a node is beyond its soft mark.
func short(m MemoryStatus) bool { return m.LimitBytes > 0 && m.UsedBytes >= m.LimitBytes/10*9 }

// clockWarnings tells of this node's clock, and of other members' that say themselves that theirs is off.
func clockWarnings(s *Status) (all []string) {
	by := direction(s.ClockAheadMS)
	switch s.ClockState {
	case ClockOff:
		all = append(all, fmt.Sprintf("this node's clock is %s the others': it leads no slot until it is right: check NTP", by))
	case ClocksDiffer:
		all = append(all, fmt.Sprintf("this node's clock is %s another member's, and no majority of three says whose is wrong: "+
			"check NTP on all", by))
	}
	for _, m := range s.Members {
		if m.ClockOff && m.Boot != s.Boot {
			all = append(all, fmt.Sprintf("the clock of %s is off: it leads no slot until it is right: check NTP there", m.Name))
		}
	}
	return all
}

// versionsOf is each version that a member runs, sorted.
func versionsOf(s *Status) (all []string) {
	for _, m := range s.Members {
		all = append(all, cmp.Or(m.Version, "one that does not tell"))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// direction is by how much a clock is wrong.
func direction(aheadMS int64) string {
	d := (time.Duration(aheadMS) * time.Millisecond).Abs().Round(100 * time.Millisecond)
	if aheadMS < 0 {
		return d.String() + " behind"
	}
	return d.String() + " ahead of"
}

// fewMembers tells of slots that have all the copies that the members allow, and fewer than configured.
func fewMembers(s *Status) string {
	alive, all := len(s.Members), len(s.Members)+len(s.Missing)
	stay := staying(s.Members)
	fewer, remedy := "1 copy", "start another member"
	if missing := s.Backups + 1 - stay; missing > 1 {
		fewer = fmt.Sprintf("up to %d copies", missing)
	}
	if all > alive {
		remedy = "start the missing ones again"
	}
	members := fmt.Sprintf("%d of %d members %s alive", alive, all, isAre(alive))
	if stay < alive {
		members += fmt.Sprintf(" and %d of them %s draining", alive-stay, isAre(alive-stay))
	}
	return fmt.Sprintf("%s %s fewer than they should: %s: %s", have(s.Slots.Reduced), fewer, members, remedy)
}

func names(missing []MissingStatus) string {
	var all []string
	for _, m := range missing {
		all = append(all, m.Name)
	}
	return strings.Join(all, ", ") + " " + isAre(len(all))
}

func have(slots int) string {
	if slots == 1 {
		return "1 slot has"
	}
	return fmt.Sprintf("%d slots have", slots)
}

func were(slots uint64) string {
	if slots == 1 {
		return "1 slot was"
	}
	return fmt.Sprintf("%d slots were", slots)
}

func isAre(count int) string {
	if count == 1 {
		return "is"
	}
	return "are"
}
