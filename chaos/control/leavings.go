package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LeavingsPrefix begins the name of every directory that a lab may leave: nothing else is ever removed.
const LeavingsPrefix = "sessnode-lab-"

// leavings is what a lab leaves if it dies. It stands in the file that it has locked.
type leavings struct {
	Dir string `json:"dir,omitempty"` // absolute
}

// Leaves writes down a directory that is to be removed with all in it if this process dies. Its name must begin with
// LeavingsPrefix.
func (l *Line) Leaves(dir string) error {
	if !filepath.IsAbs(dir) || !strings.HasPrefix(filepath.Base(dir), LeavingsPrefix) {
		return fmt.Errorf("control: BUG: a lab cannot leave %s", dir)
	}
	text, err := json.Marshal(leavings{dir})
	if err != nil {
		return err
	}
	_, err = l.lock.WriteAt(text, 0) // empty before
	return err
}

// Clean removes what labs in a directory left whose process was killed: their sockets, and the directories with logs, key and
// state that were theirs. It returns what it removed, but not the directory itself, which goes with the last file. Their nodes
// have died with them on Linux, and elsewhere have to be ended by hand. A lab that runs is left alone.
func Clean(dir string) (removed []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+lockSuffix))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, path := range files {
		f, err := lock(path, 0)
		if errors.Is(err, ErrTaken) || errors.Is(err, fs.ErrNotExist) {
			continue // the latter has just ended
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		some, err := clearUp(f, strings.TrimSuffix(path, lockSuffix)+socketSuffix)
		removed = append(removed, some...)
		if err == nil {
			removed, err = append(removed, path), os.Remove(path)
		}
		errs = append(errs, err, f.Close())
	}
	_ = os.Remove(dir) // fails while a lab has files there
	return removed, errors.Join(errs...)
}

// clearUp removes what the last holder of a lock left, but for the lock, and returns what that was.
func clearUp(lock *os.File, socket string) (removed []string, err error) {
	var left leavings
	// A file that is empty, or was not written to its end, is of a lab that had made nothing yet.
	_ = json.NewDecoder(lock).Decode(&left)
	for _, path := range []string{left.Dir, socket} {
		if path == left.Dir && !strings.HasPrefix(filepath.Base(path), LeavingsPrefix) {
			continue
		}
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return removed, err
		}
		removed = append(removed, path)
	}
	return removed, lock.Truncate(0)
}
