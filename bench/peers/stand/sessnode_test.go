package stand

import "testing"

func TestPercentileOfAHistogram(t *testing.T) {
	const text = `# TYPE pauses histogram
pauses_bucket{le="0.001"} 90
pauses_bucket{le="0.01"} 99
pauses_bucket{le="+Inf"} 100
pauses_sum 1.5
pauses_count 100
`
	for share, want := range map[float64]float64{0.5: 0.001, 0.9: 0.001, 0.99: 0.01} {
		if got, err := percentile(text, "pauses", share); got != want || err != nil {
			t.Errorf("%v: %v, %v, want %v", share, got, err, want)
		}
	}
	if _, err := percentile(text, "pause", 0.99); err == nil {
		t.Error("another histogram was read")
	}
}
