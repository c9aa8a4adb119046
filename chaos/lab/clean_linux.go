package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namesDir is where namespaces have their names, by agreement of all tools.
const namesDir = "/run/netns"

// killLimit is how long the kernel may take to end a killed process.
const killLimit = 5 * time.Second

// Clean removes what labs left whose process was killed: processes that they had started, which it kills, namespaces with all
// in them, their links to this machine, and their files. It returns the names of what it removed. A lab that runs is left
// alone. It needs root.
func Clean() (removed []string, err error) {
	names, err := filepath.Glob(filepath.Join(namesDir, namePrefix+"*")) // before the files: each lab that has a name has a file
	if err != nil {
		return nil, err
	}
	ends := doors() // likewise
	files, err := filepath.Glob(filepath.Join(stateDir, "*.json"))
	if err != nil {
		return nil, err
	}
	running := make(map[string]bool)
	var errs []error
	for _, file := range files {
		lives, err := cleanProcesses(file)
		running[runOf(file)] = lives
		errs = append(errs, err)
	}
	for _, link := range ends { // first: the kernel removes those of namespaces that have gone
		if !running[strings.TrimPrefix(link.Attrs().Name, doorPrefix)] {
			removed = append(removed, link.Attrs().Name)
			errs = append(errs, removeDoor(link))
		}
	}
	for _, path := range names {
		if name := filepath.Base(path); !running[runOf(path)] {
			removed = append(removed, name)
			errs = append(errs, removeNamespace(name))
		}
	}
	for _, file := range files {
		if !running[runOf(file)] {
			removed = append(removed, file)
			errs = append(errs, removeState(file)) // last, so that a Clean that is killed can be repeated
		}
	}
	return removed, errors.Join(errs...)
}

// runOf is the run that a file, or the name of a namespace, belongs to.
func runOf(path string) string {
	base := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), namePrefix), ".json")
	run, _, _ := strings.Cut(base, "-")
	return run
}

// cleanProcesses ends what a lab has started, unless it runs. A lab whose file cannot be read is taken to run.
func cleanProcesses(file string) (running bool, err error) {
	s, err := readState(file)
	if err != nil {
		return true, ignoreMissing(err) // a missing one's lab has just closed, and cleans up itself
	}
	boot, err := machineBoot()
	switch {
	case err != nil:
		return true, err
	case boot != s.Boot:
		return false, nil
	case s.Lab.lives():
		return true, nil
	}
	return false, kill(s.Processes)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeNamespace removes a name, whether or not a namespace was mounted on it yet. The namespace goes when its last process has.
func removeNamespace(name string) error {
	err := netns.DeleteNamed(name)
	if errors.Is(err, unix.EINVAL) { // nothing is mounted on it
		err = os.Remove(filepath.Join(namesDir, name))
	}
	return ignoreMissing(err)
}

// kill ends processes and waits until they have.
func kill(processes []process) error {
	var errs []error
	for _, p := range processes {
		errs = append(errs, p.kill())
	}
	deadline := time.NewTimer(killLimit)
	defer deadline.Stop()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for _, p := range processes {
		for p.lives() {
			select {
			case <-look.C:
			case <-deadline.C:
				return errors.Join(append(errs, fmt.Errorf("process %d has not ended %v after SIGKILL", p.PID, killLimit))...)
			}
		}
	}
	return errors.Join(errs...)
}

// kill ends the process, if it runs, and no other that has got its id since.
func (p process) kill() error {
	handle, err := os.FindProcess(p.PID) // on Linux it stands for one process, whatever happens to the id
	if err != nil {
		return err
	}
	defer handle.Release()
	if !p.lives() {
		return nil
	}
	if err := handle.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", p.PID, err)
	}
	return nil
}
