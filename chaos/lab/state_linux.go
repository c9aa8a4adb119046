package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// stateDir holds a file for each lab of namespaces, RUN.json, written before the lab makes anything and removed last.
const stateDir = "/run/sessnode-lab"

// state is what a lab writes down, so that another process can clean up after it.
type state struct {
	Boot      string    `json:"boot"` // of the machine: ids of processes mean something only until its next
	Lab       process   `json:"lab"`
	Processes []process `json:"processes"` // started by the lab
}

// process is a process that no later one can be taken for.
type process struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"` // in clock ticks since the machine started
}

// journal is a lab's own state, on disk.
type journal struct {
	path string

	mu    sync.Mutex // guards state, and is held while the file is written, so that the last one written is the newest
	state state
}

func openJournal(run string) (*journal, error) {
	boot, err := machineBoot()
	if err != nil {
		return nil, err
	}
	self, err := processOf(os.Getpid())
	if err != nil {
		return nil, err
	}
	j := &journal{path: filepath.Join(stateDir, run+".json"), state: state{Boot: boot, Lab: self}}
	for range 10 {
		if err = os.MkdirAll(stateDir, 0o700); err == nil {
			err = j.write()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			break // else a lab that closed has just removed the directory
		}
	}
	return j, err
}

// note writes down that a process was started, and forgets those that have ended.
func (j *journal) note(pid int) error {
	started, err := processOf(pid)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // has ended
	}
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.state.Processes = append(slices.DeleteFunc(j.state.Processes, func(p process) bool { return !p.lives() }), started)
	return j.write()
}

// processes lists those that were started and may still run.
func (j *journal) processes() []process {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.state.Processes)
}

// write replaces the file as a whole. The caller holds the mutex.
func (j *journal) write() error {
	text, err := json.Marshal(j.state)
	if err != nil {
		return err
	}
	next := j.path + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, j.path)
}

// remove removes the file, and the directory if it was the last.
func (j *journal) remove() error { return removeState(j.path) }

func removeState(path string) error {
	err := os.Remove(path)
	_ = os.Remove(path + ".new") // rarely there
	_ = os.Remove(stateDir)      // fails while another lab has a file there
	return err
}

// readState reads what a lab wrote down.
func readState(path string) (state, error) {
	var s state
	text, err := os.ReadFile(path)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// processOf identifies a running process. The error is fs.ErrNotExist when there is none, or only what is left of one.
func processOf(pid int) (process, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		if strings.Contains(err.Error(), "no such process") { // it ended while being read
			err = fs.ErrNotExist
		}
		return process{}, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // the name before may hold anything
	const stateAt, startAt = 0, 19                                  // fields 3 and 22 of proc(5)
	if len(fields) <= startAt {
		return process{}, fmt.Errorf("/proc/%d/stat: %d fields after the name", pid, len(fields))
	}
	if fields[stateAt][0] == 'Z' || fields[stateAt][0] == 'X' {
		return process{}, fs.ErrNotExist
	}
	start, err := strconv.ParseUint(string(fields[startAt]), 10, 64)
	return process{pid, start}, err
}

// lives reports whether the process still runs.
func (p process) lives() bool {
	now, err := processOf(p.PID)
	return err == nil && now == p
}

func machineBoot() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}
