package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sessnode/sessnode/replica"
)

// quotas is a flag's quotas of applications; each use of the flag adds some.
type quotas map[string]replica.Quota

// Set implements flag.Value.
func (q *quotas) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		app, what, _ := strings.Cut(strings.TrimSpace(one), "=")
		count, size, ok := strings.Cut(what, ":")
		sessions, err := strconv.Atoi(count)
		var bytes byteCount
		if err == nil && size != "0" {
			err = bytes.Set(size)
		}
		if app == "" || !ok || err != nil || sessions < 0 {
			return fmt.Errorf("write an application, the number of its sessions and their bytes, such as shop=100000:1GiB")
		}
		if *q == nil {
			*q = quotas{}
		}
		(*q)[app] = replica.Quota{Sessions: sessions, Bytes: int(bytes)}
	}
	return nil
}

// String implements flag.Value.
func (q *quotas) String() string {
	if q == nil {
		return ""
	}
	var all []string
	for _, app := range slices.Sorted(maps.Keys(*q)) {
		one := (*q)[app]
		size := byteCount(one.Bytes)
		all = append(all, fmt.Sprintf("%s=%d:%s", app, one.Sessions, max(size.String(), "0")))
	}
	return strings.Join(all, ",")
}
