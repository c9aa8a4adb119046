package history

import "testing"

func TestWhichFaultsBit(t *testing.T) {
	for _, c := range []struct {
		fault Fault
		want  bool
	}{
		{Fault{}, false},
		{Fault{Dropped: 1}, true},
		{Fault{InFlight: 1}, true},
		{Fault{Begun: 1}, true},
		{Fault{InFlight: 1, Begun: 1, Missed: true}, false},
	} {
		if got := c.fault.Bit(); got != c.want {
			t.Errorf("%+v has bitten: %v, want %v", c.fault, got, c.want)
		}
	}
}
