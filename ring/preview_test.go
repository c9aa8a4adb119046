package ring

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPreview(t *testing.T) {
	cfg := Config{Backups: 2, VirtualNodes: 20}
	for _, test := range []struct {
		name     string
		scenario Scenario
		after    []Member
	}{
		{"leave", Scenario{Members: 12, Leave: "node-03"}, without(members(12, 0), "node-03")},
		{"join", Scenario{Members: 12, Join: "other"}, append(members(12, 0), Member{Name: "other"})},
		{"swap", Scenario{Members: 4, Zones: 3, Leave: "node-01", Join: "other"},
			append(without(members(4, 3), "node-01"), Member{Name: "other", Zone: "zone-2"})},
		{"return", Scenario{Members: 4, Leave: "node-01", Join: "node-01"}, members(4, 0)},
		{"three digits", Scenario{Members: 100, Leave: "node-100"}, members(99, 0)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Preview(cfg, test.scenario)
			if err != nil {
				t.Fatal(err)
			}
			s := test.scenario
			want := Compare(mustCompute(t, cfg, members(s.Members, s.Zones)), mustCompute(t, cfg, test.after))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Preview (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPreviewErrors(t *testing.T) {
	for _, test := range []struct {
		scenario Scenario
		cfg      Config
		want     error
	}{
		{Scenario{Members: 3}, Config{}, ErrNoChange},
		{Scenario{Members: 3, Leave: "node-04"}, Config{}, ErrUnknownMember},
		{Scenario{Members: 3, Join: "node-03"}, Config{}, ErrDuplicateMember},
		{Scenario{Members: 1, Leave: "node-01"}, Config{}, ErrNoMembers},
		{Scenario{Members: 0, Join: "a"}, Config{}, ErrNoMembers},
		{Scenario{Members: -1, Join: "a"}, Config{}, ErrNoMembers},
		{Scenario{Members: 1 << 60, Join: "a"}, Config{}, ErrTooManyMembers},
		{Scenario{Members: MaxMembers, Join: "a"}, Config{VirtualNodes: 1}, ErrTooManyMembers},
		{Scenario{Members: 3, Leave: "node-01"}, Config{Load: 0.5}, ErrInvalidConfig},
	} {
		if _, err := Preview(test.cfg, test.scenario); !errors.Is(err, test.want) {
			t.Errorf("%+v: got %v, want %v", test.scenario, err, test.want)
		}
	}
}
