package lab

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain plays other processes when it is started as one, see roles; each system has its own.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		if role := roles[os.Args[1]]; role != nil {
			role()
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}
