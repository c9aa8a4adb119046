package sessnode_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// What one step or the whole of .ci/run may take, and what becomes of it then. SECONDS is bash's own clock.
func TestCIEndsInTime(t *testing.T) {
	for _, test := range []struct {
		name, script string
		code         int
		want         []string
	}{
		{"in time", "step 1 echo done; echo next", 0, []string{"done", "echo done: exit 0 after", "next"}},
		{"the smaller limit counts", "timeout() { echo ends after $2; }; step 2 x; SECONDS=1640; step 2 x; echo next", 0, []string{"ends after 120s", "ends after 100s"}},
		{"a failure ends the run", "set -e; step 1 false; echo next", 1, []string{"false: exit 1 after"}},
		{"the run ends a step", "SECONDS=1739; step 5 sleep 3 || echo next", 124, []string{"stopped: all steps together may take 29 minutes"}},
		{"no time is left", "SECONDS=1740; step 5 echo done || echo next", 124, []string{"not begun: all steps together may take 29 minutes"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, said := bash(t, os.Getenv("PATH"), test.script)
			if code != test.code || strings.Contains(said, "next\n") != (code == 0) {
				t.Errorf("exit code %d, want %d:\n%s", code, test.code, said)
			}
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in:\n%s", want, said)
				}
			}
		})
	}
}

// Where no browser can be had the console is not tried, and that is said. Where one can be had, it must pass.
func TestCITriesConsole(t *testing.T) {
	const skipped = "skipped: make console-test"
	for _, test := range []struct {
		name  string
		tools map[string]string // commands that there are, and what they do
		code  int
		want  string
	}{
		{"no browser and no packages", nil, 0, skipped},
		{"packages cannot be downloaded", map[string]string{"apt-get": "exit 100", "sudo": "exit 1"}, 0, skipped},
		{"no npm registry", map[string]string{"chromium": "", "node": "", "npm": "", "make": `[ "$1" != console-packages ]`}, 0, skipped},
		{"it passes", map[string]string{"chromium": "", "node": "", "npm": "", "make": `echo "made $1"`}, 0, "made console-test"},
		{"it fails", map[string]string{"chromium": "", "node": "", "npm": "", "make": `[ "$1" != console-test ]`}, 1, "make console-test: exit 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, tool := range []string{"bash", "dirname", "env", "id", "timeout"} {
				link(t, dir, tool)
			}
			for name, does := range test.tools {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+does+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			code, said := bash(t, dir, "console_test")
			if code != test.code || !strings.Contains(said, test.want) || strings.Contains(said, skipped) != (test.want == skipped) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, test.code, test.want, said)
			}
		})
	}
}

// A clone without the last release skips its test and says what it lacks; a revision that was asked for must be there.
func TestUpgradeTestWithoutHistory(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	clone := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", clone).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	upgrade := "GIT_DIR=" + clone + "/.git make -o build upgrade-test"
	code, said := bash(t, os.Getenv("PATH"), upgrade)
	if code != 0 || !strings.Contains(said, "is not in this clone: get it with git fetch --unshallow") || !strings.Contains(said, "skipped: make upgrade-test") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	code, said = bash(t, os.Getenv("PATH"), upgrade+" FROM=v9.9.9")
	if code == 0 || !strings.Contains(said, "v9.9.9 is not in this clone") || strings.Contains(said, "skipped") {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

// bash runs a script that may use what .ci/run defines, and returns its exit code and all that it printed.
func bash(t *testing.T, path, script string) (code int, said string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("CI runs on Linux")
	}
	shell, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	for _, file := range []string{".ci/run", "Makefile"} {
		if _, err := os.Stat(file); err != nil { // so that the go command knows that the test depends on it
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	cmd := exec.Command(shell, "-c", "source .ci/run\n"+script)
	cmd.Env = []string{"PATH=" + path, "HOME=" + t.TempDir()} // nothing of a make that runs this test
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String()
}

// link makes a command of this machine one of a directory.
func link(t *testing.T, dir, name string) {
	t.Helper()
	at, err := exec.LookPath(name)
	if err == nil {
		err = os.Symlink(at, filepath.Join(dir, name))
	}
	if err != nil {
		t.Skip(err)
	}
}
