package simnet

import (
	"fmt"
	"time"
)

// What the zero fields of a Config mean.
const (
	defaultReorderDelay = 5 * time.Millisecond
	defaultPayloadMax   = 1472 // Ethernet's 1,500 bytes less the headers of IPv4 and UDP
	defaultQueueLen     = 1024
	defaultFlightLen    = 1 << 16
)

// Config says how a Network treats packets. Latency, Jitter, Loss, Duplicate and Reorder are what every link starts
// with; the Set methods of Network change them for single links. Probabilities are in [0, 1].
type Config struct {
	// Seed starts the dice.
	Seed uint64
	// Latency is the least time a packet takes from one host to another. 0 delivers before WriteTo returns.
	Latency time.Duration
	// Jitter is the range of what is added to Latency, evenly spread over [0, Jitter). It reorders nothing.
	Jitter time.Duration
	// Loss is the probability that a packet vanishes.
	Loss float64
	// Duplicate is the probability that a packet arrives twice.
	Duplicate float64
	// Reorder is the probability that a packet is held back by ReorderDelay, so that later ones overtake it.
	Reorder float64
	// ReorderDelay is how long a reordered packet is held back. Default 5 ms.
	ReorderDelay time.Duration
	// PayloadMax is the largest payload in bytes; WriteTo refuses longer ones with EMSGSIZE. Default 1,472.
	PayloadMax int
	// QueueLen is how many packets wait at a socket; the next one is dropped and counted. Default 1,024.
	QueueLen int
	// FlightLen is how many packets are under way at once; the next one is dropped and counted. Default 65,536.
	FlightLen int
}

// Validate reports the first field that makes no sense.
func (c Config) Validate() error {
	for _, p := range []struct {
		name  string
		value float64
	}{{"Loss", c.Loss}, {"Duplicate", c.Duplicate}, {"Reorder", c.Reorder}} {
		if !isProbability(p.value) {
			return fmt.Errorf("simnet: %s is %v, want a probability in [0, 1]", p.name, p.value)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"Latency", c.Latency}, {"Jitter", c.Jitter}, {"ReorderDelay", c.ReorderDelay}} {
		if d.value < 0 {
			return fmt.Errorf("simnet: %s is %v, want 0 or more", d.name, d.value)
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"PayloadMax", c.PayloadMax}, {"QueueLen", c.QueueLen}, {"FlightLen", c.FlightLen}} {
		if n.value < 0 {
			return fmt.Errorf("simnet: %s is %d, want 0 or more", n.name, n.value)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.ReorderDelay == 0 {
		c.ReorderDelay = defaultReorderDelay
	}
	if c.PayloadMax == 0 {
		c.PayloadMax = defaultPayloadMax
	}
	if c.QueueLen == 0 {
		c.QueueLen = defaultQueueLen
	}
	if c.FlightLen == 0 {
		c.FlightLen = defaultFlightLen
	}
	return c
}

// isProbability is false for NaN as well.
func isProbability(p float64) bool { return p >= 0 && p <= 1 }
