package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sessnode/sessnode/chaos/control"
	"github.com/sessnode/sessnode/chaos/lab"
)

// What an [Order] can ask for beside the kinds Kill, Pause, Cut, OneWay, Pull, Loss and Delay.
const (
	Resume Kind = "resume" // a node: it goes on after a pause
	Start  Kind = "start"  // a node that is dead: it is started again
	Heal   Kind = "heal"   // nodes, or nobody for all: every fault that names one of them ends, and dead ones are started
	Show   Kind = "show"   // nothing: it is only said what there is
)

// Host is what an order calls the machine that the lab runs on, and all that runs there outside of the lab.
const Host = "host"

// ErrOrder means that an order cannot be meant, or not now; its text says why.
var ErrOrder = errors.New("bad order")

// Order is what one command asks of a lab that is kept up. Nodes are named node-3, 3 or c.
type Order struct {
	Do      Kind          `json:"do"`
	Whom    []string      `json:"whom,omitempty"`
	Against []string      `json:"against,omitempty"` // the other side, of Cut and OneWay
	Share   float64       `json:"share,omitempty"`   // of Loss, in (0, 0.3]
	By      time.Duration `json:"by,omitempty"`      // of Delay, in ns as JSON
	Jitter  time.Duration `json:"jitter,omitempty"`
	Wait    bool          `json:"wait,omitempty"` // with Heal: until the nodes are one cluster again, for a minute at most
}

// Answer is what a lab says to an order.
type Answer struct {
	Said  []string `json:"said,omitempty"` // what was done
	Lab   *Shown   `json:"lab,omitempty"`  // of Show
	Error string   `json:"error,omitempty"`
	Bad   bool     `json:"bad,omitempty"` // the error is ErrOrder
}

// Give gives the lab of that name, of this user, an order; the default name is [control.DefaultName]. The errors are ErrOrder,
// those of [control.Ask], and what went wrong.
func Give(ctx context.Context, name string, o Order) (Answer, error) {
	var a Answer
	dir, err := control.Dir()
	if err != nil {
		return a, err
	}
	request, err := json.Marshal(o)
	if err != nil {
		return a, err
	}
	text, err := control.Ask(ctx, dir, name, request)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("the lab's answer: %w", err)
	}
	return a, a.err()
}

func (a *Answer) err() error {
	switch {
	case a.Error == "":
		return nil
	case a.Bad:
		return fmt.Errorf("%w: %s", ErrOrder, strings.TrimPrefix(a.Error, ErrOrder.Error()+": "))
	}
	return errors.New(a.Error)
}

// parseOrder reads an order. What it does not know is ErrOrder: the command may be newer than the lab.
func parseOrder(text []byte) (o Order, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	if d.More() {
		return o, fmt.Errorf("%w: more than one", ErrOrder)
	}
	return o, nil
}

// step is the fault that an order of one asks of a cluster of so many nodes.
func (o *Order) step(nodes int) (Step, error) {
	s := Step{Kind: o.Do, Share: o.Share, By: o.By, Jitter: o.Jitter}
	if !slices.Contains([]Kind{Kill, Pause, Cut, OneWay, Pull, Loss, Delay}, o.Do) {
		return s, fmt.Errorf("%w: unknown %q", ErrOrder, o.Do)
	}
	var err error
	if s.Whom, err = fullNames(o.Whom, nodes); err != nil {
		return s, err
	}
	if s.Against, err = fullNames(o.Against, nodes); err != nil {
		return s, err
	}
	if err := s.validate(); err != nil {
		return s, fmt.Errorf("%w: %w", ErrOrder, err)
	}
	return s, nil
}

// fullNames are names as the lab has them, each once.
func fullNames(given []string, nodes int) ([]string, error) {
	var names []string
	for _, text := range given {
		name, err := fullName(text, nodes)
		if err != nil {
			return nil, err
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("%w: %s is named twice", ErrOrder, shown(name))
		}
		names = append(names, name)
	}
	return names, nil
}

// fullName is the name of a place: of node-3, 3 or c for the third node.
func fullName(text string, nodes int) (string, error) {
	switch text {
	case Host:
		return lab.Strangers, nil
	case Everybody:
		return text, nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(text, "node-"))
	if err != nil && len(text) == 1 {
		n, err = int(text[0]-'a')+1, nil
	}
	if err != nil || n < 1 || n > nodes {
		return "", fmt.Errorf("%w: there is no %q: nodes are node-1 to node-%d, or 1 to %d, or a to %s; %s is this machine",
			ErrOrder, text, nodes, nodes, shortName(nodes), Host)
	}
	return nodeNames(nodes)[n-1], nil
}

// shortName is the letter of a node, counted from 1; nodesMax is less than there are letters.
func shortName(n int) string { return string(rune('a' + n - 1)) }

// shown is a place as people know it.
func shown(place string) string {
	if place == lab.Strangers {
		return Host
	}
	return place
}

// sentence is a fault as people read it.
func (s *Step) sentence() string {
	list := func(names []string) string {
		all := make([]string, len(names))
		for i, name := range names {
			all[i] = shown(name)
		}
		return strings.Join(all, ",")
	}
	switch s.Kind {
	case Cut:
		return "cut " + list(s.Whom) + " from " + list(s.Against)
	case OneWay:
		return "cut one way, from " + list(s.Whom) + " to " + list(s.Against)
	case Loss:
		return fmt.Sprintf("loss of %.3g%% at %s", s.Share*100, list(s.Whom))
	case Delay:
		return fmt.Sprintf("delay of %v, jitter %v, at %s", s.By, s.Jitter, list(s.Whom))
	}
	text := string(s.Kind) + " " + list(s.Whom)
	if len(s.Against) > 0 {
		text += "/" + list(s.Against)
	}
	return text
}
