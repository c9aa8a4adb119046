package rounds

import (
	"fmt"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sessnode/sessnode/bench/peers/load"
	"github.com/sessnode/sessnode/bench/peers/product"
	"github.com/sessnode/sessnode/bench/peers/report"
)

// TestMain is also a generator, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Generate {
		listener, err := net.Listen("unix", os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		server := rpc.NewServer()
		if err := server.RegisterName("Generator", &load.Generator{OpenProduct: product.Open}); err != nil {
			panic(err)
		}
		server.Accept(listener)
		return
	}
	os.Exit(m.Run())
}

// TestRound measures real nodes for a moment: every workload of both ways to use sessnode, and the verification.
func TestRound(t *testing.T) {
	if testing.Short() {
		t.Skip("runs six processes")
	}
	binary := filepath.Join(t.TempDir(), "sessnode")
	build := exec.Command("go", "build", "-o", binary, "./cmd/sessnode")
	build.Dir = "../../.." // its own module
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	plan := Plan{
		Products: []string{"remote", "embedded"}, Parts: []string{PartRounds}, Rounds: 1, Span: 200 * time.Millisecond, Sessions: 300,
		Dir: t.TempDir(), Sessnode: binary, Say: t.Logf,
	}
	var r report.Results
	if err := Run(t.Context(), plan, r.Add); err != nil {
		t.Fatal(err)
	}
	for _, m := range Modes() {
		for _, w := range Workloads() {
			if (m.Product == "remote" || m.Product == "embedded") && m.runs(w) {
				if rate, _ := r.Get(m.Name, w.Name, report.Rate); rate <= 0 {
					t.Errorf("%s %s: no request was answered", m.Name, w.Name)
				}
				if wrong, _ := r.Get(m.Name, w.Name, report.Wrong); wrong > 0 {
					t.Errorf("%s %s: %v wrong answers", m.Name, w.Name, wrong)
				}
			}
		}
	}
}
