package wire

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// claimsOf are the claims of a cluster in the middle of its life: high epochs, three replicas each.
func claimsOf(slots, members int) []replica.Claim {
	random := rand.New(rand.NewPCG(1, 2))
	boots := make([]replica.Boot, members)
	for i := range boots {
		boots[i] = replica.Boot(random.Uint64())
	}
	claims := make([]replica.Claim, slots)
	for i := range claims {
		claims[i] = replica.Claim{
			Slot: uint32(i), Epoch: 1000 + random.Uint64N(10_000), Primary: boots[i%members],
			Backups: []replica.Boot{boots[(i+1)%members], boots[(i+2)%members]}, Seen: uint32(members),
		}
	}
	return claims
}

// Sizes that the design counts on. A frame's limit is 2 MiB.
func TestCodecSizes(t *testing.T) {
	answer := func(claims []replica.Claim) *replica.Answer {
		m := &replica.Answer{Round: 1 << 40}
		for _, c := range claims {
			m.Slots = append(m.Slots, replica.AnsweredSlot{
				Slot: c.Slot, Verdict: replica.Outranked, Holds: true, Claim: c,
				Position: replica.Position{Epoch: c.Epoch, Seq: 1 << 40},
			})
		}
		return m
	}
	for _, c := range []struct {
		name    string
		message replica.Message
		max     int // bytes of the whole frame
	}{
		{"request with one attribute of 64 bytes", sampleCommit(), 135},
		{"its update", sampleUpdate(), 175},
		{"its ack", &replica.Ack{Slot: 700, Epoch: 12, Head: 345_680}, 10},
		{"its reply", &replica.Reply{Token: 4711, Result: replica.Result{Stamp: sampleStamp, Copies: 3}}, 24},
		{"load", &replica.Request{Token: 4711, Load: &replica.Load{Key: sampleKey}}, 45},
		{"heartbeat", &replica.Heartbeat{Sent: time.Hour, Digest: 1 << 60}, 18},
		{"claims of 1,024 slots, 10 members", &replica.Claims{Claims: claimsOf(1024, 10)}, 13 << 10},
		{"claims of 1,024 slots, 100 members", &replica.Claims{Claims: claimsOf(1024, 100)}, 13 << 10},
		{"claims of 4,096 slots, 100 members", &replica.Claims{Claims: claimsOf(4096, 100)}, 50 << 10},
		{"answer for 4,096 slots, 100 members", answer(claimsOf(4096, 100)), 110 << 10},
	} {
		got := len(AppendMessage(nil, c.message, sampleNow))
		t.Logf("%6d bytes: %s", got, c.name)
		if got > c.max {
			t.Errorf("%s: %d bytes, want at most %d", c.name, got, c.max)
		}
	}
}

func TestAppendMessageAllocatesNothing(t *testing.T) {
	b := make([]byte, 0, 1<<20)
	many := sample{"Claims of 100 members", &replica.Claims{Claims: claimsOf(1024, 100)}}
	for _, s := range append(samples(), many) {
		if got := testing.AllocsPerRun(100, func() { AppendMessage(b, s.message, sampleNow) }); got != 0 {
			t.Errorf("%s: %v allocations", s.name, got)
		}
	}
}

func TestDecodeAllocations(t *testing.T) {
	want := map[string]float64{ // struct, and for sessions and commits: lists, block of strings, session
		"Update":         4,
		"Ack":            1,
		"Heartbeat":      1,
		"HeartbeatReply": 1,
		"SnapshotReply":  1,
		"Request-commit": 3,
		"Request-load":   2,
		"Reply":          1,
		"Reply-session":  6, // one of the values is long
	}
	for _, s := range samples() {
		most, listed := want[s.name]
		if !listed {
			continue
		}
		f := encode(t, s.message, sampleNow)
		if got := testing.AllocsPerRun(100, func() { _, _ = Decode(f, sampleNow) }); got > most {
			t.Errorf("%s: %v allocations, want %v", s.name, got, most)
		}
	}
}
