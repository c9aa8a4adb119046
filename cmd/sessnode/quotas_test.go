package main

import "testing"

func TestQuotasFlag(t *testing.T) {
	var q quotas
	for _, text := range []string{"shop=100:1GiB,*=5:0", "blog=0:64KiB"} {
		if err := q.Set(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if got, want := q.String(), "*=5:0,blog=0:64KiB,shop=100:1GiB"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, bad := range []string{"", "shop", "shop=1", "=1:1", "shop=x:1", "shop=1:x", "shop=-1:1"} {
		if err := q.Set(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
