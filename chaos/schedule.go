package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
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
	Loss    Kind = "loss"    // a node, or * for all: share=N% of the packets to and from it is lost
	Delay   Kind = "delay"   // a node, or * for all: packets to and from it arrive later by=DURATION, jitter=DURATION more
)

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
	Share   float64 // of Loss, in (0, 0.3]
	By      time.Duration
	Jitter  time.Duration // both of Delay
}

// Schedule is faults, ascending by At.
type Schedule []Step

// isMild reports whether a fault may overlap others: it loses no node.
func (s *Step) isMild() bool { return s.Kind == Loss || s.Kind == Delay }

// String is the step as a line of a schedule.
func (s Step) String() string {
	whom := strings.Join(s.Whom, ",")
	if len(s.Against) > 0 {
		whom += "/" + strings.Join(s.Against, ",")
	}
	text := fmt.Sprintf("%v %s %s %v", s.At, s.Kind, whom, s.For)
	switch s.Kind {
	case Loss:
		text += " share=" + strconv.FormatFloat(s.Share*100, 'g', 10, 64) + "%"
	case Delay:
		text += fmt.Sprintf(" by=%v jitter=%v", s.By, s.Jitter)
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
	known := slices.Concat(nodeNames(nodes), clientNames(clients), []string{Everybody, BusyPrimary})
	for i, step := range s {
		err := step.validate()
		for _, name := range slices.Concat(step.Whom, step.Against) {
			if err == nil && !slices.Contains(known, name) {
				err = fmt.Errorf("there is no %s: nodes are node-1 to node-%d, clients client-1 to client-%d", name, nodes, clients)
			}
		}
		if err == nil && step.Kind == Bridge && nodes < 3 || err == nil && step.Kind == Ring && nodes < 4 {
			err = fmt.Errorf("%s needs more than %d nodes", step.Kind, nodes)
		}
		if err != nil {
			return fmt.Errorf("%w: fault %d, %q: %w", ErrSchedule, i+1, step, err)
		}
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
		return s.validateSides()
	case Kill, Pause, Restart, Isolate, Bridge, Pull:
		if sided || !alone || !isNode(s.Whom[0]) {
			return errors.New("name one node, or primary")
		}
	case Ring:
		if sided || !alone || s.Whom[0] != Everybody {
			return errors.New("write *: it concerns all nodes")
		}
	case Loss, Delay:
		if sided || !alone || s.Whom[0] == BusyPrimary {
			return errors.New("name one node or client, or *")
		}
	default:
		return fmt.Errorf("unknown kind %q", s.Kind)
	}
	if s.Kind == Loss && !(s.Share > 0 && s.Share <= shareMax) {
		return fmt.Errorf("share must be more than 0 and at most %v%%", shareMax*100)
	}
	if s.Kind == Delay && (s.By <= 0 || s.By > delayMax || s.Jitter < 0 || s.Jitter > delayMax) {
		return fmt.Errorf("by must be more than 0, and by and jitter at most %v", delayMax)
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

// ParseSchedule reads a schedule, one fault per line:
//
//	AT KIND WHOM FOR [share=N%] [by=DURATION] [jitter=DURATION]
//
// Empty lines and what follows a # do not count. The errors are ErrSchedule and name the line, or those of the reader.
func ParseSchedule(r io.Reader) (Schedule, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, lineMax), lineMax)
	var all Schedule
	number := 0
	for lines.Scan() {
		number++
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		step, err := parseStep(fields)
		if err == nil {
			err = step.validate()
		}
		if err == nil && len(all) == stepsMax {
			err = fmt.Errorf("more than %d faults", stepsMax)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrSchedule, number, err)
		}
		all = append(all, step)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%w: line %d: longer than %d bytes", ErrSchedule, number+1, lineMax)
	} else if err != nil {
		return nil, fmt.Errorf("read schedule: %w", err)
	}
	slices.SortStableFunc(all, func(a, b Step) int { return int(a.At - b.At) })
	return all, nil
}

func parseStep(fields []string) (s Step, err error) {
	if len(fields) < 4 {
		return s, errors.New("write at least AT KIND WHOM FOR, as in: 5s kill node-2 4s")
	}
	if s.At, err = time.ParseDuration(fields[0]); err != nil {
		return s, fmt.Errorf("%q is no time: write 5s or 1m30s", fields[0])
	}
	s.Kind = Kind(fields[1])
	first, second, sided := strings.Cut(fields[2], "/")
	if s.Whom = strings.Split(first, ","); sided {
		s.Against = strings.Split(second, ",")
	}
	if s.For, err = time.ParseDuration(fields[3]); err != nil {
		return s, fmt.Errorf("%q is no time: write how long the fault lasts, as 5s", fields[3])
	}
	for _, option := range fields[4:] {
		if err := s.set(option); err != nil {
			return s, err
		}
	}
	return s, nil
}

// set takes one NAME=VALUE.
func (s *Step) set(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	switch {
	case name == "share" && s.Kind == Loss:
		digits, isPercent := strings.CutSuffix(value, "%")
		percent, err := strconv.ParseFloat(digits, 64)
		if err != nil || !isPercent {
			return fmt.Errorf("%q is no share: write share=10%%", option)
		}
		s.Share = percent / 100
		return nil
	case name == "by" && s.Kind == Delay:
		s.By, err = time.ParseDuration(value)
	case name == "jitter" && s.Kind == Delay:
		s.Jitter, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("%s takes no %q", s.Kind, option)
	}
	if err != nil {
		return fmt.Errorf("%q holds no time: write by=50ms", option)
	}
	return nil
}

// nodeNames is the names of the nodes of every run.
func nodeNames(count int) []string { return numbered("node-", count) }

// clientNames is the names of the clients of every run.
func clientNames(count int) []string { return numbered("client-", count) }

func numbered(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = prefix + strconv.Itoa(i+1)
	}
	return names
}
