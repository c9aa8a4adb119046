package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// noState is the value of -state-dir that remembers nothing.
const noState = "none"

// stateDir is the directory for what -state-dir says, which may be nothing; empty for none.
func stateDir(given string) (string, error) {
	switch given {
	case "":
		return makeStateDir()
	case noState:
		return "", nil
	}
	return given, nil
}

// makeStateDir makes the default directory, so that the error can tell how to choose another.
func makeStateDir() (string, error) {
	dir, err := stateDirDefault()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return "", configError{fmt.Errorf("no place to remember the members in: %w: name a directory with -state-dir, or -state-dir %s",
			err, noState)}
	}
	return dir, nil
}

// stateDirDefault is the directory that the service manager or the user's environment sets aside for state.
func stateDirDefault() (string, error) {
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" && runtime.GOOS == "linux" {
		return dir, nil // systemd's, which has made it; several are separated by colons
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sessnode"), nil
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		dir, err := os.UserConfigDir()
		return filepath.Join(dir, "sessnode"), err
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "state", "sessnode"), err
}
