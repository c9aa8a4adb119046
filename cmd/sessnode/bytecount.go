package main

import (
	"fmt"
	"strconv"
	"strings"
)

// byteCount is a flag's number of bytes: 4096, 64KiB, 8MiB or 1GiB; zero prints as nothing.
type byteCount int

var byteUnits = []struct {
	suffix string
	size   int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"", 1}}

// Set implements flag.Value.
func (b *byteCount) Set(text string) error {
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
		if err != nil || n < 1 || n > int64(1<<40/u.size) {
			return fmt.Errorf("write a number of bytes such as 65536, 64KiB or 8MiB")
		}
		*b = byteCount(int(n) * u.size)
		return nil
	}
	return nil
}

// String implements flag.Value.
func (b *byteCount) String() string {
	if b == nil || *b == 0 {
		return ""
	}
	for _, u := range byteUnits {
		if int(*b)%u.size == 0 {
			return strconv.Itoa(int(*b)/u.size) + u.suffix
		}
	}
	return ""
}
