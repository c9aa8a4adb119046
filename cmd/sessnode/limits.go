package main

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sessnode/sessnode/node"
)

// limits is a flag's limits of a node, by the names that docs/SECURITY.md gives them; each use of the flag sets some.
type limits struct{ conf *node.Config }

// limit is one of them: its name, and where it stands.
type limit struct {
	name  string
	value flag.Value
}

// all is every limit that can be set.
func (l limits) all() []limit {
	r, t := &l.conf.Limits, &l.conf.Traffic
	return []limit{
		{"session", (*byteCount)(&r.SessionBytesMax)}, {"attributes", (*count)(&r.AttrsMax)}, {"name", (*byteCount)(&r.NameBytesMax)},
		{"lifetime", (*span)(&r.LifetimeMax)}, {"touch", (*span)(&r.TouchInterval)}, {"skew", (*span)(&r.ClockSkewMax)},
		{"request-age", (*span)(&r.RequestAgeMax)}, {"lock-waiters", (*count)(&r.LockWaitersMax)},
		{"slot-sessions", (*count)(&r.SessionsMax)}, {"slot-requests", (*count)(&r.RequestsMax)},
		{"tail", (*count)(&r.TailMax)}, {"tail-bytes", (*byteCount)(&r.TailBytesMax)}, {"chunk", (*byteCount)(&r.ChunkBytes)},
		{"conns", (*count)(&t.ConnsMax)}, {"handshakes", (*count)(&t.HandshakesMax)},
		{"requests", (*count)(&t.RequestsMax)}, {"conn-requests", (*count)(&t.RequestsPerConn)},
	}
}

// Set implements flag.Value.
func (l limits) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(one), "=")
		var names []string
		var found flag.Value
		for _, k := range l.all() {
			names = append(names, k.name)
			if k.name == name {
				found = k.value
			}
		}
		if found == nil {
			return fmt.Errorf("there is no limit %q: choose of %s", name, strings.Join(names, ", "))
		}
		if err := found.Set(value); err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
	}
	return nil
}

// String implements flag.Value: those that are set.
func (l limits) String() string {
	if l.conf == nil {
		return ""
	}
	var set []string
	for _, k := range l.all() {
		if text := k.value.String(); text != "" {
			set = append(set, k.name+"="+text)
		}
	}
	return strings.Join(set, ",")
}

// count is a flag's number above zero; zero prints as nothing.
type count int

// Set implements flag.Value.
func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return fmt.Errorf("write a number above zero, such as 1000")
	}
	*c = count(n)
	return nil
}

// String implements flag.Value.
func (c *count) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}

// span is a flag's time above zero; zero prints as nothing.
type span time.Duration

// Set implements flag.Value.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("write a time above zero, such as 500ms or 720h")
	}
	*s = span(d)
	return nil
}

// String implements flag.Value.
func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}
