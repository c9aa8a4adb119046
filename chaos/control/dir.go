package control

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultName is the name of a lab that was given none.
const DefaultName = "lab"

const nameLenMax = 24

// Suffixes of a lab's files.
const (
	lockSuffix   = ".lock"
	socketSuffix = ".sock"
)

// Errors that callers test.
var (
	// ErrName means that a lab cannot be called so.
	ErrName = errors.New("bad name of a lab")
	// ErrDir means that there is no directory that is this user's alone; its text says why.
	ErrDir = errors.New("no directory for the lab's socket")
	// ErrTaken means that a lab of that name runs.
	ErrTaken = errors.New("the lab is up already")
	// ErrNoLab means that no lab of that name runs.
	ErrNoLab = errors.New("no lab is running")
	// ErrUnsupported means that this operating system has no locks on files that die with a process.
	ErrUnsupported = fmt.Errorf("a lab that is kept up: %w on this operating system", errors.ErrUnsupported)
)

// Dir is the directory with the sockets of this user's labs, made if it is not there: sessnode in $XDG_RUNTIME_DIR or in
// /run/user/UID, if that is the user's own, else sessnode-UID in the directory for temporary files. ErrDir: others can get at it.
func Dir() (string, error) {
	dir := filepath.Join(os.TempDir(), "sessnode-"+strconv.Itoa(os.Getuid()))
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), filepath.Join("/run/user", strconv.Itoa(os.Getuid()))} {
		if filepath.IsAbs(base) && isPrivate(base) == nil {
			dir = filepath.Join(base, "sessnode")
			break
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w: %w: set XDG_RUNTIME_DIR to a directory of your own", ErrDir, err)
	}
	if err := isPrivate(dir); err != nil {
		return "", fmt.Errorf("%w: %w: remove it, or set XDG_RUNTIME_DIR to a directory of your own, with mode 0700", ErrDir, err)
	}
	return dir, nil
}

// isPrivate says why a directory is not this user's alone.
func isPrivate(dir string) error {
	info, err := os.Lstat(dir) // not what a link leads to, which whoever made the link may change
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", dir)
	case !isOurs(info):
		return fmt.Errorf("%s belongs to somebody else", dir)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s has mode %#o, which lets others in", dir, info.Mode().Perm())
	}
	return nil
}

// checkName reports a name that cannot be one, as ErrName.
func checkName(name string) error {
	plain := func(r rune) bool {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_'
	}
	if name == "" || len(name) > nameLenMax || strings.TrimFunc(name, plain) != "" || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return fmt.Errorf("%w: %q: use 1 to %d letters, digits, hyphens and underscores", ErrName, name, nameLenMax)
	}
	return nil
}

// Running lists the labs in a directory that are up.
func Running(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+lockSuffix))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range files {
		f, err := lock(path, 0)
		if err == nil {
			err = f.Close()
		} else if errors.Is(err, ErrTaken) {
			names, err = append(names, strings.TrimSuffix(filepath.Base(path), lockSuffix)), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return names, nil
}
