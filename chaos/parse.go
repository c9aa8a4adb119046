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

// ParseSchedule reads a schedule, one fault per line:
//
//	AT KIND WHOM FOR [share=N%] [by=DURATION] [jitter=DURATION] [off=DURATION] [rate=FACTOR] [with=KIND:NODE]
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
	case name == "share" && slices.Contains([]Kind{Loss, Duplicate, Reorder}, s.Kind):
		return s.setShare(option, value)
	case name == "with":
		kind, whom, named := strings.Cut(value, ":")
		if !named {
			return fmt.Errorf("%q names nobody: write with=kill:node-2", option)
		}
		s.With = Within{Kind(kind), whom}
		return nil
	case name == "rate" && s.Kind == Skew:
		if s.Rate, err = strconv.ParseFloat(value, 64); err != nil || s.Rate == 0 {
			return fmt.Errorf("%q is no rate: write rate=1.02", option)
		}
		return nil
	case name == "by" && (s.Kind == Delay || s.Kind == Reorder):
		s.By, err = time.ParseDuration(value)
	case name == "jitter" && s.Kind == Delay:
		s.Jitter, err = time.ParseDuration(value)
	case name == "off" && s.Kind == Skew:
		s.Off, err = time.ParseDuration(value)
	default:
		return fmt.Errorf("%s takes no %q", s.Kind, option)
	}
	if err != nil {
		return fmt.Errorf("%q holds no time: write %s=50ms", option, name)
	}
	return nil
}

func (s *Step) setShare(option, value string) error {
	digits, isPercent := strings.CutSuffix(value, "%")
	percent, err := strconv.ParseFloat(digits, 64)
	if err != nil || !isPercent {
		return fmt.Errorf("%q is no share: write share=10%%", option)
	}
	s.Share = percent / 100
	return nil
}
