package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/chaos/control"
	"github.com/sessnode/sessnode/chaos/lab"
)

func TestNamesOfNodes(t *testing.T) {
	for _, c := range []struct {
		given []string
		want  []string // nil: ErrOrder
	}{
		{[]string{"a", "2", "node-3"}, []string{"node-1", "node-2", "node-3"}},
		{[]string{"e", "host"}, []string{"node-5", lab.Strangers}},
		{[]string{"*"}, []string{"*"}},
		{[]string{"a", "1"}, nil},
		{[]string{"f"}, nil},
		{[]string{"0"}, nil},
		{[]string{"6"}, nil},
		{[]string{"-1"}, nil},
		{[]string{"aa"}, nil},
		{[]string{""}, nil},
		{[]string{"node-"}, nil},
		{[]string{"A"}, nil},
		{[]string{"client-1"}, nil},
		{[]string{"primary"}, nil},
	} {
		got, err := fullNames(c.given, 5)
		if !slices.Equal(got, c.want) || errors.Is(err, ErrOrder) != (c.want == nil) {
			t.Errorf("%q: %v, %v; want %v", c.given, got, err, c.want)
		}
	}
	if nodesMax > 'z'-'a'+1 {
		t.Errorf("%d nodes have no letters", nodesMax)
	}
}

func TestOrdersThatCannotBeMeant(t *testing.T) {
	for _, o := range []Order{
		{}, {Do: "burn", Whom: []string{"a"}}, {Do: Kill}, {Do: Kill, Whom: []string{"a", "b"}}, {Do: Kill, Whom: []string{"host"}},
		{Do: Pull, Whom: []string{"*"}}, {Do: Cut, Whom: []string{"a"}}, {Do: Cut, Whom: []string{"a"}, Against: []string{"a"}},
		{Do: Cut, Whom: []string{"*"}, Against: []string{"a"}}, {Do: Loss, Whom: []string{"a"}}, {Do: Loss, Whom: []string{"a"}, Share: 2},
		{Do: Delay, Whom: []string{"a"}}, {Do: Delay, Whom: []string{"a"}, By: time.Hour}, {Do: Restart, Whom: []string{"a"}},
	} {
		if step, err := o.step(5); !errors.Is(err, ErrOrder) {
			t.Errorf("%+v: %v, %v", o, step, err)
		}
	}
}

// asked is what a hand says to a request.
func asked(t *testing.T, h *hand, request string) Answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var a Answer
	if err := json.Unmarshal(h.handle(ctx, []byte(request)), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRequestsThatAreNone(t *testing.T) {
	h := &hand{up: make(chan struct{}), over: make(chan struct{}), turn: make(chan struct{}, 1)}
	for _, request := range []string{"", "{", "[]", "7", `{"do":"heal"}{"do":"heal"}`, `{"do":"heal","twice":true}`, `{"do":["heal"]}`} {
		if a := asked(t, h, request); !a.Bad || a.Error == "" || !errors.Is(a.err(), ErrOrder) || strings.Count(a.err().Error(), ErrOrder.Error()) != 1 {
			t.Errorf("%q: %+v, %v", request, a, a.err())
		}
	}
}

func TestOrdersWaitUntilTheClusterIsUp(t *testing.T) {
	h := &hand{stage: &stage{cluster: &cluster{}, say: t.Logf}, up: make(chan struct{}), over: make(chan struct{}), turn: make(chan struct{}, 1)}
	if a := asked(t, h, `{"do":"heal"}`); !strings.Contains(a.Error, "not up yet") {
		t.Errorf("before: %+v", a)
	}
	close(h.up)
	if a := asked(t, h, `{"do":"heal"}`); a.Error != "" || !slices.Equal(a.Said, []string{"there was nothing to heal"}) {
		t.Errorf("when it is up: %+v", a)
	}
	h.turn <- struct{}{}
	if a := asked(t, h, `{"do":"heal"}`); !strings.Contains(a.Error, "another order") {
		t.Errorf("while another is done: %+v", a)
	}
	h.up = make(chan struct{})
	close(h.over)
	if a := asked(t, h, `{"do":"heal"}`); !strings.Contains(a.Error, "is ending") {
		t.Errorf("at the end: %+v", a)
	}
}

func TestALabThatCannotBeKept(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, o := range []KeepOptions{{Nodes: 1}, {Nodes: 21}, {Network: "cables"}} {
		if err := Keep(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if err := Keep(t.Context(), KeepOptions{Name: "a/b"}); !errors.Is(err, control.ErrName) && !errors.Is(err, control.ErrUnsupported) {
		t.Errorf("a bad name: %v", err)
	}
}
