package wire

import (
	"testing"

	"github.com/sessnode/sessnode/replica"
)

// benchmarked are the messages of the hot path and the largest of the others.
func benchmarked() []sample {
	list := []sample{{"Claims-1024", &replica.Claims{Claims: claimsOf(1024, 10)}}}
	for _, s := range samples() {
		switch s.name {
		case "Request-commit", "Request-load", "Update", "Ack", "Reply", "Reply-session", "Heartbeat":
			list = append(list, s)
		}
	}
	return list
}

func BenchmarkAppendMessage(b *testing.B) {
	for _, s := range benchmarked() {
		b.Run(s.name, func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf = AppendMessage(buf[:0], s.message, sampleNow)
			}
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range benchmarked() {
		b.Run(s.name, func(b *testing.B) {
			f := encode(b, s.message, sampleNow)
			b.SetBytes(int64(len(f.Payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(f, sampleNow); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
