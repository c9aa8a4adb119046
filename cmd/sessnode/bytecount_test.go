package main

import "testing"

func TestByteCount(t *testing.T) {
	for text, want := range map[string]int{
		"1": 1, "65536": 64 << 10, "64KiB": 64 << 10, "8MiB": 8 << 20, "2GiB": 2 << 30, "8 MiB": 8 << 20,
		"": 0, "0": 0, "-1": 0, "8MB": 0, "MiB": 0, "99999999999GiB": 0, "1.5MiB": 0,
	} {
		var b byteCount
		err := b.Set(text)
		if (err != nil) != (want == 0) || int(b) != want {
			t.Errorf("%q: %d, %v; want %d", text, b, err, want)
		}
	}
	for n, want := range map[byteCount]string{0: "", 1: "1", 64 << 10: "64KiB", 3 << 20: "3MiB", 1<<20 + 1: "1048577"} {
		if got := n.String(); got != want {
			t.Errorf("%d prints as %q, want %q", n, got, want)
		}
	}
}
