package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sessnode": func() { os.Exit(mainCode()) }})
}

// TestScripts runs the command as a user does. $ADDR1 to $ADDR3 are free addresses.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir) // so that no run remembers the members of another
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			run := filepath.Join(env.WorkDir, "run") // for the sockets of labs
			if err := os.Mkdir(run, 0o700); err != nil {
				return err
			}
			env.Setenv("XDG_RUNTIME_DIR", run)
			env.Setenv("TMPDIR", run)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a command under the race detector ends when it is done
			addrs, err := child.FreeAddrs(3)
			for i, addr := range addrs {
				env.Setenv("ADDR"+strconv.Itoa(i+1), addr)
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "get": get, "metric": metric, "session": session, "until": until},
	})
}

// get asks for a page, again and again until it is answered as wanted: get CODE URL TEXT. A URL that begins with unix:
// names a socket.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get CODE URL TEXT")
	}
	url, transport := args[1], &http.Transport{DisableKeepAlives: true}
	if path, ok := strings.CutPrefix(url, "unix:"); ok {
		url = "http://localhost/readyz"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	client, last := http.Client{Transport: transport, Timeout: 5 * time.Second}, ""
	for range 200 {
		resp, err := client.Get(url)
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if last = strconv.Itoa(resp.StatusCode) + " " + strings.TrimSpace(string(body)); last == args[0]+" "+args[2] {
				return
			}
		} else {
			last = err.Error()
		}
		<-time.After(50 * time.Millisecond)
	}
	ts.Fatalf("%s answers %s, want %s %s", args[1], last, args[0], args[2])
}

// metric asks an admin listener until a metric has a value in a range: metric URL NAME LEAST MOST.
func metric(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: metric URL NAME LEAST MOST")
	}
	least, err := strconv.ParseFloat(args[2], 64)
	ts.Check(err)
	most, err := strconv.ParseFloat(args[3], 64)
	ts.Check(err)
	client, last := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}, ""
	for range 200 {
		if resp, err := client.Get(args[0]); err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			_, rest, _ := strings.Cut(string(body), "\n"+args[1]+" ")
			last, _, _ = strings.Cut(rest, "\n")
			if n, err := strconv.ParseFloat(last, 64); err == nil && least <= n && n <= most {
				return
			}
		}
		<-time.After(50 * time.Millisecond)
	}
	ts.Fatalf("%s is %q, want %s to %s", args[1], last, args[2], args[3])
}

// exits runs a command that must end with an exit code: exits CODE COMMAND [ARGUMENT…].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%q ended with exit code %d, want %d", args[1:], got, want)
	}
}

// until runs a command again and again until it succeeds and prints a text: until TEXT COMMAND [ARGUMENT…].
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until TEXT COMMAND [ARGUMENT…]")
	}
	for range 300 {
		if ts.Exec(args[1], args[2:]...) == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	ts.Fatalf("%q never printed %q", args[1:], args[0])
}

// session makes a session in the application "test" and leaves its id in a variable: session ADDRESS VARIABLE. It waits
// until the node is ready.
func session(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: session ADDRESS VARIABLE")
	}
	ctx := context.Background()
	c, err := client.Dial(ctx, client.Config{Nodes: args[:1], App: "test", Log: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	defer c.Close()
	id, err := replica.NewID(rand.Reader)
	ts.Check(err)
	_, err = c.Commit(ctx, &replica.Commit{
		Key: replica.Key{App: "test", ID: id}, Create: true,
		Changes: []replica.Change{{Name: "name", Value: []byte("Zoë")}, {Name: "raw", Value: []byte{0, 255}}},
	})
	ts.Check(err)
	ts.Setenv(args[1], id)
}
