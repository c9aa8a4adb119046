package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is a kind of fault in a schedule.
type Kind string

// The kinds. What WHOM stands for is behind each.
const (
	Kill    Kind = "kill"    // a node, or primary: SIGKILL; it is started again when the time is over
	Pause   Kind = "pause"   // a node, or primary: it stands still
	Restart Kind = "restart" // a node, or primary: it drains, ends, and is started again when the time is over
	Cut     Kind = "cut"     // SIDE/SIDE: neither reaches the other; each side is names with commas
	Isolate Kind = "isolate" // a node, or primary: cut off with one client
	OneWay  Kind = "one-way" // SIDE/SIDE: what the first sends does not reach the second
	Ring    Kind = "ring"    // *: each node reaches its neighbours alone, which is a majority for each
	Bridge  Kind = "bridge"  // a node, or primary: it sees two halves that do not see each other
	Flap    Kind = "flap"    // SIDE/SIDE: cut and mended twice a second
	Pull    Kind = "pull"    // a node, or primary: its cord is out
	Rolling Kind = "rolling" // *: restart of one node after the other, each down for that long

	Loss      Kind = "loss"      // a node, a client, or * for all: share=N% of the packets to and from it is lost
	Delay     Kind = "delay"     // likewise: packets to and from it arrive later by=DURATION, jitter=DURATION more
	Duplicate Kind = "duplicate" // likewise: share=N% arrives twice
	Reorder   Kind = "reorder"   // likewise: share=N% is overtaken by later ones, being held back by=DURATION

	Join        Kind = "join"         // a node that is not of the cluster: it joins, and leaves in order when the time is over
	Skew        Kind = "skew"         // a node, or primary: its clock is off=DURATION, and runs rate=FACTOR as fast
	StopReading Kind = "stop-reading" // *: a further client asks every node for big sessions, and reads no answer
)

// isMild are the kinds that may overlap all others: they lose no node.
var isMild = map[Kind]bool{Loss: true, Delay: true, Duplicate: true, Reorder: true, Join: true, Skew: true, StopReading: true}

// splits are the kinds that part nodes from each other.
var splits = []Kind{Cut, Isolate, OneWay, Ring, Bridge, Flap, Pull}

// Names that stand for others.
const (
	Everybody   = "*"       // all nodes
	BusyPrimary = "primary" // the primary of the slot that was asked most, when the fault begins
)

// Limits of a schedule.
const (
	stepsMax = 1000
	timeMax  = 24 * time.Hour
	lineMax  = 4096 // bytes
	delayMax = time.Second
	shareMax = 0.3

	guestsMax = 2 // nodes that join
	offMax    = time.Hour
	rateLeast = 0.9 // of a steady clock, of which leases allow a tenth
	rateMost  = 1.1
)

// ErrSchedule means that a schedule cannot be meant; its text says which line and why.
var ErrSchedule = errors.New("bad schedule")

// Step is one fault of a schedule.
type Step struct {
	At      time.Duration // since the load began; a fault that loses a node may have to wait until copies are restored
	Kind    Kind
	Whom    []string // or the first side
	Against []string // the second side
	For     time.Duration
	Share   float64       // of Loss, Duplicate and Reorder, in (0, 0.3]
	By      time.Duration // of Delay, and of Reorder, where zero is the lab's default
	Jitter  time.Duration // of Delay
	Off     time.Duration // of Skew: by how much the time of day is ahead; negative: behind
	Rate    float64       // of Skew: of the steady clock; zero: it is right
	With    Within
}

// Within is a fault of a process in the middle third of a split. The zero Within is none.
type Within struct {
	Kind Kind // Kill, Pause or Restart
	Whom string
}

// Schedule is faults, ascending by At.
type Schedule []Step

// String is the step as a line of a schedule.
func (s Step) String() string {
	whom := strings.Join(s.Whom, ",")
	if len(s.Against) > 0 {
		whom += "/" + strings.Join(s.Against, ",")
	}
	text := fmt.Sprintf("%v %s %s %v", s.At, s.Kind, whom, s.For)
	if s.Share > 0 {
		text += " share=" + strconv.FormatFloat(s.Share*100, 'g', 10, 64) + "%"
	}
	if s.By > 0 || s.Kind == Delay {
		text += fmt.Sprintf(" by=%v", s.By)
	}
	if s.Kind == Delay {
		text += fmt.Sprintf(" jitter=%v", s.Jitter)
	}
	if s.Kind == Skew {
		text += fmt.Sprintf(" off=%v", s.Off)
	}
	if s.Rate > 0 {
		text += " rate=" + strconv.FormatFloat(s.Rate, 'g', 10, 64)
	}
	if s.With.Kind != "" {
		text += fmt.Sprintf(" with=%s:%s", s.With.Kind, s.With.Whom)
	}
	return text
}

// MarshalText is String, for JSON.
func (s Step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the schedule as ParseSchedule reads it.
func (s Schedule) String() string {
	var b strings.Builder
	for _, step := range s {
		fmt.Fprintln(&b, step)
	}
	return b.String()
}

// Validate reports the first step that cannot be done to a cluster of so many nodes and clients, as ErrSchedule.
func (s Schedule) Validate(nodes, clients int) error {
	for i, step := range s {
		err := step.validate()
		if err == nil {
			err = step.fits(nodes, clients)
		}
		if err != nil {
			return fmt.Errorf("%w: fault %d, %q: %w", ErrSchedule, i+1, step, err)
		}
	}
	return nil
}

// fits reports what a cluster lacks for the step.
func (s *Step) fits(nodes, clients int) error {
	if s.Kind == Join {
		if guests := guestNames(nodes); !slices.Contains(guests, s.Whom[0]) {
			return fmt.Errorf("%s cannot join: name one of %s", s.Whom[0], strings.Join(guests, ", "))
		}
		return nil
	}
	known := slices.Concat(nodeNames(nodes), clientNames(clients), []string{Everybody, BusyPrimary, ""})
	for _, name := range slices.Concat(s.Whom, s.Against, []string{s.With.Whom}) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("there is no %s: nodes are node-1 to node-%d, clients client-1 to client-%d", name, nodes, clients)
		}
	}
	if s.Kind == Bridge && nodes < 3 || s.Kind == Ring && nodes < 4 {
		return fmt.Errorf("%s needs more than %d nodes", s.Kind, nodes)
	}
	return nil
}

// validate reports what is wrong with the step itself.
func (s *Step) validate() error {
	if s.At < 0 || s.For < 0 || s.At > timeMax || s.For > timeMax {
		return fmt.Errorf("times must be from 0 to %v", timeMax)
	}
	sided, alone := len(s.Against) > 0, len(s.Whom) == 1
	switch s.Kind {
	case Cut, OneWay, Flap:
		if err := s.validateSides(); err != nil {
			return err
		}
	case Kill, Pause, Restart, Isolate, Bridge, Pull, Skew, Join:
		if sided || !alone || !isNode(s.Whom[0]) || s.Kind == Join && s.Whom[0] == BusyPrimary {
			return errors.New("name one node, or primary")
		}
	case Ring, Rolling, StopReading:
		if sided || !alone || s.Whom[0] != Everybody {
			return errors.New("write *: it concerns all nodes")
		}
	case Loss, Delay, Duplicate, Reorder:
		if sided || !alone || s.Whom[0] == BusyPrimary {
			return errors.New("name one node or client, or *")
		}
	default:
		return fmt.Errorf("unknown kind %q", s.Kind)
	}
	return s.validateNumbers()
}

func (s *Step) validateNumbers() error {
	switch s.Kind {
	case Loss, Duplicate, Reorder:
		if !(s.Share > 0 && s.Share <= shareMax) {
			return fmt.Errorf("share must be more than 0 and at most %v%%", shareMax*100)
		}
	case Delay:
		if s.By <= 0 {
			return errors.New("by must be more than 0")
		}
	case Skew:
		if !(s.Rate == 0 || s.Rate >= rateLeast && s.Rate <= rateMost) {
			return fmt.Errorf("rate must be from %v to %v", rateLeast, rateMost)
		}
		if s.Off.Abs() > offMax || s.Off == 0 && (s.Rate == 0 || s.Rate == 1) {
			return fmt.Errorf("write by how much the clock is off, as off=-3s, at most %v, or a rate, as rate=1.02", offMax)
		}
	}
	if s.By < 0 || s.By > delayMax || s.Jitter < 0 || s.Jitter > delayMax {
		return fmt.Errorf("by and jitter must be at least 0 and at most %v", delayMax)
	}
	return s.validateWith()
}

func (s *Step) validateWith() error {
	switch {
	case s.With == Within{}:
		return nil
	case !slices.Contains(splits, s.Kind):
		return fmt.Errorf("%s parts no nodes, so nothing happens within it", s.Kind)
	case s.With.Kind != Kill && s.With.Kind != Pause && s.With.Kind != Restart || !isNode(s.With.Whom):
		return errors.New("write with=KIND:NODE, where KIND is kill, pause or restart")
	}
	return nil
}

func (s *Step) validateSides() error {
	if len(s.Whom) == 0 || len(s.Against) == 0 {
		return errors.New("name two sides, as in node-1,client-1/node-2,node-3")
	}
	seen := make(map[string]bool)
	for _, name := range slices.Concat(s.Whom, s.Against) {
		if seen[name] || name == Everybody || name == BusyPrimary {
			return fmt.Errorf("%s is not on one side", name)
		}
		seen[name] = true
	}
	return nil
}

func isNode(name string) bool { return name == BusyPrimary || strings.HasPrefix(name, "node-") }

// nodeNames is the names of the nodes of every run.
func nodeNames(count int) []string { return numbered("node-", count) }

// guestNames is the names of the nodes that may join a cluster of so many.
func guestNames(nodes int) []string { return nodeNames(nodes + guestsMax)[nodes:] }

// clientNames is the names of the clients of every run.
func clientNames(count int) []string { return numbered("client-", count) }

func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i+1)
	}
	return names
}
