package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// remembered is what a node writes down between its runs: the cluster and who was in it. With it a node that restarts
// looks for the others instead of founding a second cluster. Sessions are never written down.
type remembered struct {
	Cluster string             `json:"cluster"` // 16 hexadecimal digits
	Members []rememberedMember `json:"members"`
}

type rememberedMember struct {
	Name        string `json:"name"`
	Address     string `json:"address"`
	AbsentSince int64  `json:"absent_since,omitempty"` // as acquaintance has it
}

// acquaintance is a member that this node has met.
type acquaintance struct {
	addr  string
	since int64 // when it was seen last, milliseconds since 1970; zero: it is alive, or nobody knows
}

// cluster is the id as a number; zero if there is none.
func (r remembered) cluster() uint64 {
	id, err := strconv.ParseUint(r.Cluster, 16, 64)
	if err != nil {
		return 0
	}
	return id
}

// knownMax bounds the members that are remembered.
const knownMax = 1024

// recall reads what was remembered. No file means nothing; one that cannot be read or understood is an error, because
// going on could found a second cluster.
func (n *Node) recall() (remembered, error) {
	var r remembered
	path := n.cfg.statePath()
	if path == "" {
		return r, nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return r, nil // writable says what is wrong with the directory
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err == nil && r.cluster() == 0 {
		err = errors.New("no cluster id in it")
	}
	if err != nil {
		return r, fmt.Errorf("%w: members remembered in %s: %w: repair or remove the file", ErrConfig, path, err)
	}
	return r, nil
}

// writable makes sure at the start that members can be remembered: a node that cannot might found a second cluster at its
// next start, when it is too late to tell.
func (n *Node) writable() error {
	if n.cfg.StateDir == "" {
		return nil
	}
	if info, err := os.Stat(n.cfg.StateDir); err == nil && !info.IsDir() {
		return fmt.Errorf("%w: state directory %s is a file: name a directory", ErrConfig, n.cfg.StateDir)
	}
	err := os.MkdirAll(n.cfg.StateDir, 0o700)
	if err == nil {
		err = writeWhole(n.cfg.statePath()+".try", struct{}{})
	}
	if err == nil {
		err = os.Remove(n.cfg.statePath() + ".try")
	}
	if err != nil {
		return fmt.Errorf("%w: state directory cannot be written: %w: name another with -state-dir", ErrConfig, err)
	}
	return nil
}

// remember adds the members of the moment to those known, and writes all of them down if the node belongs to a cluster.
func (n *Node) remember() {
	n.mu.Lock()
	n.unsaved = false
	for _, m := range n.members {
		delete(n.forgotten, m.Addr)
		if _, met := n.known[m.Name]; met || len(n.known) < knownMax {
			n.known[m.Name] = acquaintance{addr: m.Addr}
		}
	}
	r := remembered{Cluster: fmt.Sprintf("%016x", n.core.Cluster())}
	for name, a := range n.known {
		r.Members = append(r.Members, rememberedMember{name, a.addr, a.since})
	}
	n.mu.Unlock()
	path := n.cfg.statePath()
	if path == "" || r.cluster() == 0 {
		return
	}
	slices.SortFunc(r.Members, func(a, b rememberedMember) int { return strings.Compare(a.Name, b.Name) })
	if err := writeWhole(path, r); err != nil {
		n.log.Error("members not remembered", "error", err)
	}
}

// writeWhole replaces the file in one step, so that a crash leaves the old or the new one.
func writeWhole(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
