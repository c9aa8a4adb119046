package main

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/wire"
)

// checkSettings lists every mistake in a file: of form, of single values, and of settings that cannot be meant together.
func checkSettings(file string) ([]mistake, error) {
	flags := newFlags("serve")
	new(serving).define(flags)
	entries, mistakes, err := readSettings(file, flags)
	if err != nil {
		return nil, err
	}
	var usable []entry
	for _, e := range entries {
		if err := flags.Set(e.name, e.value); err != nil && !e.bad {
			mistakes = append(mistakes, badValue(e, flags, err))
			e.bad = true
		}
		usable = append(usable, replacement(e)...)
	}
	mistakes = append(mistakes, contradictions(usable)...)
	slices.SortStableFunc(mistakes, func(a, b mistake) int { return cmp.Compare(a.Line, b.Line) })
	return mistakes, nil
}

// replacement is what stands for a setting while others are looked at: itself, or nothing if it is bad. Some others make
// sense only beside a list of members or a key, and a bad one is no reason to refuse them.
func replacement(e entry) []entry {
	switch {
	case !e.bad:
		return []entry{e}
	case e.name == "join":
		return []entry{{name: e.name, value: node.ListenDefault, line: e.line}}
	case e.name == "key-file":
		return []entry{{name: e.name, value: "cluster.key", line: e.line}}
	}
	return nil
}

// contradictions lists what serve would refuse of settings whose types are right. It tells one at a time; so those at fault
// are found and taken away until nothing is left to refuse.
func contradictions(entries []entry) (found []mistake) {
	for {
		refused := refusal(entries)
		if refused == nil {
			return found
		}
		at := culprits(entries, refused)
		if len(at) == 0 {
			return append(found, mistake{0, "together", remedyOf(refused)}) // not so: without any setting serve starts
		}
		var rest []entry
		for _, e := range entries {
			if slices.Contains(at, e) {
				found = append(found, mistake{e.line, fmt.Sprintf("%s = %q", e.name, e.value), remedyOf(refused)})
				e.bad = true
			}
			rest = append(rest, replacement(e)...)
		}
		entries = rest
	}
}

// culprits are settings that bring an error about, none of which could be left out of them.
func culprits(entries []entry, refused error) []entry {
	for i := 0; i < len(entries); {
		rest := slices.Delete(slices.Clone(entries), i, i+1)
		if err := refusal(rest); err != nil && err.Error() == refused.Error() {
			entries, i = rest, 0 // what was needed beside it may not be any more
		} else {
			i++
		}
	}
	return entries
}

// refusal is why serve would not start with settings, as far as that can be seen without opening anything.
func refusal(entries []entry) error {
	flags := newFlags("serve")
	var s serving
	s.define(flags)
	for _, e := range entries {
		if err := flags.Set(e.name, e.value); err != nil {
			return err
		}
	}
	conf, err := s.plain()
	if err != nil {
		return err
	}
	if s.keyFile == "" && os.Getenv(keyVariable) == "" && !isLoopback(conf.Listen) {
		return explainNew(wire.ErrDevelopmentKey, conf)
	}
	return nil
}

// remedyOf is a refusal without what a list of mistakes says anyway.
func remedyOf(refused error) string {
	return strings.TrimPrefix(oneLine(refused), node.ErrConfig.Error()+": ")
}

// isLoopback reports whether an address cannot be reached from other machines.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr) // Validate has seen it
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
