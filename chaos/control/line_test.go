package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain plays a lab that is killed when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "lab" {
		l, err := Listen(os.Args[2], DefaultName)
		if err == nil {
			err = l.Leaves(os.Args[3])
		}
		fmt.Println("up", err)
		select {}
	}
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// dirOf is a directory that is short enough for a socket.
func dirOf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "line")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// open opens a line that answers with the request, backwards.
func open(t *testing.T, dir, name string) *Line {
	t.Helper()
	l, err := Listen(dir, name)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
	l.Serve(func(_ context.Context, request []byte) []byte {
		slices.Reverse(request)
		return request
	})
	return l
}

func ask(t *testing.T, dir, name, request string) (string, error) {
	t.Helper()
	answer, err := Ask(t.Context(), dir, name, []byte(request))
	return string(answer), err
}

func TestARequestIsAnswered(t *testing.T) {
	dir := dirOf(t)
	l := open(t, dir, "one")
	for range askersMax + 1 {
		if answer, err := ask(t, dir, "one", "abc"); answer != "cba" || err != nil {
			t.Fatalf("%q, %v", answer, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "one.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	must(t, l.Close())
	if _, err := ask(t, dir, "one", "abc"); !errors.Is(err, ErrNoLab) || !strings.Contains(err.Error(), "start one with 'sessnode chaos lab'") {
		t.Errorf("when it has ended: %v", err)
	}
	wantNone(t, dir)
	must(t, os.Mkdir(dir, 0o700))
	if _, err := ask(t, dir, "one", "abc"); !errors.Is(err, ErrNoLab) {
		t.Errorf("in an empty directory: %v", err)
	}
	wantNone(t, dir)
	again := open(t, dir, "one")
	must(t, again.Close())
}

func TestTwoLabs(t *testing.T) {
	dir := dirOf(t)
	one, two := open(t, dir, "one"), open(t, dir, "two")
	defer two.Close()
	if _, err := Listen(dir, "one"); !errors.Is(err, ErrTaken) {
		t.Errorf("another of the same name: %v", err)
	}
	if answer, err := ask(t, dir, "one", "ab"); answer != "ba" || err != nil {
		t.Errorf("the first one answers %q, %v", answer, err)
	}
	if names, err := Running(dir); err != nil || !slices.Equal(names, []string{"one", "two"}) {
		t.Errorf("these run: %v, %v", names, err)
	}
	must(t, one.Close())
	if _, err := ask(t, dir, DefaultName, "ab"); !errors.Is(err, ErrNoLab) || !strings.Contains(err.Error(), "these are: two; name one with -lab") {
		t.Errorf("a third: %v", err)
	}
	if answer, err := ask(t, dir, "two", "ab"); answer != "ba" || err != nil {
		t.Errorf("the second one answers %q, %v", answer, err)
	}
}

func TestBadInputEndsItsOwnCallAlone(t *testing.T) {
	dir := dirOf(t)
	l := open(t, dir, "one")
	defer l.Close()
	long := strings.Repeat("x", requestMax)
	if _, err := ask(t, dir, "one", long); !errors.Is(err, errLong) {
		t.Errorf("a long request: %v", err)
	}
	for name, input := range map[string]string{"without an end": "abc", "too long": long + long, "nothing": ""} {
		conn, err := net.Dial("unix", filepath.Join(dir, "one.sock"))
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(2*requestLimit)))
		_, _ = conn.Write([]byte(input)) // it may be refused before it is sent
		_ = conn.(*net.UnixConn).CloseWrite()
		var got [10]byte
		if n, _ := conn.Read(got[:]); n != 0 {
			t.Errorf("a line %s is answered with %q", name, got[:n])
		}
		must(t, conn.Close())
	}
	if answer, err := ask(t, dir, "one", "ab"); answer != "ba" || err != nil {
		t.Errorf("afterwards it answers %q, %v", answer, err)
	}
	for _, name := range []string{"", "../x", "a b", strings.Repeat("n", nameLenMax+1)} {
		if _, err := Listen(dir, name); !errors.Is(err, ErrName) {
			t.Errorf("a lab called %q: %v", name, err)
		}
		if _, err := ask(t, dir, name, "ab"); !errors.Is(err, ErrName) {
			t.Errorf("asked for %q: %v", name, err)
		}
	}
}

func TestNobodyWaitsForALabThatSaysNothing(t *testing.T) {
	dir := dirOf(t)
	l, err := Listen(dir, "one")
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
	defer l.Close()
	let := make(chan struct{})
	l.Serve(func(context.Context, []byte) []byte { <-let; return nil })
	defer close(let)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Ask(ctx, dir, "one", []byte("ab")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// killed is what a lab leaves that was killed.
func killed(t *testing.T, dir string) (left string) {
	t.Helper()
	left, err := os.MkdirTemp(dir, LeavingsPrefix)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(left, "key"), nil, 0o600))
	cmd := exec.Command(os.Args[0], "lab", dir, left)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said := make([]byte, 100)
	n, err := out.Read(said)
	must(t, err)
	if !bytes.Contains(said[:n], []byte("<nil>")) {
		t.Skipf("%s", said[:n])
	}
	if removed, err := Clean(dir); err != nil || len(removed) > 0 {
		t.Errorf("a lab that runs: removed %v, %v", removed, err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // says that it was killed
	if _, err := os.Stat(filepath.Join(dir, "lab.sock")); err != nil {
		t.Errorf("there is no stale socket: %v", err)
	}
	return left
}

func wantNone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func TestTheNextLabReplacesWhatAKilledOneLeft(t *testing.T) {
	dir := dirOf(t)
	left := killed(t, dir)
	if _, err := ask(t, dir, DefaultName, "ab"); !errors.Is(err, ErrNoLab) {
		t.Errorf("a stale socket: %v", err)
	}
	l := open(t, dir, DefaultName)
	defer l.Close()
	wantNone(t, left)
	if answer, err := ask(t, dir, DefaultName, "ab"); answer != "ba" || err != nil {
		t.Errorf("the next one answers %q, %v", answer, err)
	}
}

func TestCleanRemovesWhatAKilledLabLeft(t *testing.T) {
	dir := dirOf(t)
	left := killed(t, dir)
	removed, err := Clean(dir)
	must(t, err)
	if want := []string{left, filepath.Join(dir, "lab.sock"), filepath.Join(dir, "lab.lock")}; !slices.Equal(removed, want) {
		t.Errorf("removed %v, want %v", removed, want)
	}
	wantNone(t, dir)
}

func TestCleanRemovesNothingElse(t *testing.T) {
	dir := dirOf(t)
	precious := filepath.Join(dir, "precious")
	must(t, os.Mkdir(precious, 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "lab.lock"), []byte(`{"dir":"`+precious+`"}`), 0o600))
	if _, err := Clean(dir); errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestTheDirectoryIsTheUsersAlone(t *testing.T) {
	base := dirOf(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	dir, err := Dir()
	must(t, err)
	info, err := os.Stat(dir)
	if err != nil || dir != filepath.Join(base, "sessnode") || info.Mode().Perm() != 0o700 {
		t.Errorf("%s with mode %v, %v", dir, info.Mode(), err)
	}
	must(t, os.Chmod(dir, 0o770))
	if _, err := Dir(); !errors.Is(err, ErrDir) {
		t.Errorf("one that others may enter: %v", err)
	}
	must(t, os.Remove(dir))
	must(t, os.Symlink(dirOf(t), dir))
	if _, err := Dir(); !errors.Is(err, ErrDir) {
		t.Errorf("a link: %v", err)
	}
}
