package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/sessnode/sessnode/child"
)

// roles is what processes started by tests do.
var roles = map[string]func(){
	"sleep":     func() { select {} },
	"echo":      func() { _, _ = io.Copy(os.Stdout, os.Stdin) },
	"hold":      func() { heldLab(func(context.Context) { select {} }) },
	"panic":     func() { heldLab(func(context.Context) { panic("as the test wants it") }) },
	"interrupt": func() { heldLab(func(ctx context.Context) { <-ctx.Done() }) },
}

// heldLab opens a lab with two processes, one of which outlives it when it is killed, tells of them, and does something.
func heldLab(do func(ctx context.Context)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	l, err := NewNamespaced()
	fatal(err)
	defer l.Close()
	fatal(l.Admit())
	a, err := l.Add("a")
	fatal(err)
	dir, err := os.MkdirTemp("", "lab")
	fatal(err)
	defer os.RemoveAll(dir)
	housed := &child.Process{Name: "housed", Args: []string{"sleep"}, Dir: dir}
	a.House(housed)
	fatal(housed.Start())
	stray := exec.Command(os.Args[0], "sleep")
	fatal(a.site.within(func() (int, error) {
		if err := stray.Start(); err != nil {
			return 0, err
		}
		return stray.Process.Pid, nil
	}))
	_, err = l.Pull("a")
	fatal(err)
	fmt.Println(l.medium.(*namespaces).run, housed.PID(), stray.Process.Pid)
	do(ctx)
}

func fatal(err error) {
	if err != nil {
		panic(err)
	}
}

// namespaced opens a lab, or skips the test.
func namespaced(t *testing.T) *Lab {
	t.Helper()
	l, err := NewNamespaced()
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l
}

// holder is a process that holds a lab.
type holder struct {
	cmd           *exec.Cmd
	run           string
	housed, stray process
}

func startHolder(t *testing.T, role string) *holder {
	t.Helper()
	h := &holder{cmd: exec.Command(os.Args[0], role)}
	h.cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := h.cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	h.cmd.Stderr = &stderr
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(stderr.String())
		}
	})
	must(t, h.cmd.Start())
	t.Cleanup(func() { _ = h.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	var housed, stray int
	_, err = fmt.Sscan(line, &h.run, &housed, &stray)
	must(t, err)
	h.housed, _ = processOf(housed) // a lab that panics may be gone by now
	h.stray, _ = processOf(stray)
	return h
}

// left lists what there is of a run, by name.
func left(t *testing.T, run string) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{filepath.Join(namesDir, namePrefix+run+"*"), filepath.Join(stateDir, run+"*")} {
		found, err := filepath.Glob(pattern)
		must(t, err)
		all = append(all, found...)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	must(t, err)
	if strings.Contains(string(mounts), run) {
		all = append(all, "a mount")
	}
	if _, err := netlink.LinkByName(doorPrefix + run); err == nil {
		all = append(all, "a link")
	}
	return all
}

// onHost lists the links and the tables of packet filters of the network namespace that the test is in, which is the host's.
func onHost(t *testing.T) []string {
	t.Helper()
	var all []string
	links, err := netlink.LinkList()
	must(t, err)
	for _, l := range links {
		all = append(all, "link "+l.Attrs().Name)
	}
	tables, err := new(nftables.Conn).ListTables()
	must(t, err)
	for _, table := range tables {
		all = append(all, "table "+table.Name)
	}
	return all
}

func wantGone(t *testing.T, h *holder) {
	t.Helper()
	if all := left(t, h.run); len(all) > 0 {
		t.Errorf("these are left: %v", all)
	}
	if h.housed.PID != 0 && h.housed.lives() || h.stray.PID != 0 && h.stray.lives() {
		t.Errorf("processes %v, %v: one still runs", h.housed, h.stray)
	}
}

func TestNothingIsOnTheHostMeanwhileNorAfterwards(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("looking at packet filters needs root")
	}
	before := onHost(t)
	l := namespaced(t)
	run := l.medium.(*namespaces).run
	h := hosts(t, l, "a", "b")
	f, err := l.Loss(Both("a", "b"), 1)
	must(t, err)
	wantDropped(t, f, h[0], h[1])
	_, err = l.Pull("a")
	must(t, err)
	if during := onHost(t); !slices.Equal(before, during) {
		t.Errorf("the host has %v, and had %v", during, before)
	}
	if all := left(t, run); len(all) != 5 {
		t.Errorf("%v; want three names, a file and mounts", all)
	}
	must(t, l.Close())
	if all := left(t, run); len(all) > 0 {
		t.Errorf("these are left: %v", all)
	}
	if after := onHost(t); !slices.Equal(before, after) {
		t.Errorf("the host has %v, and had %v", after, before)
	}
}

// The bridge's namespace is looked into through a handle of the test's own, which keeps it alive.
func TestHealLeavesNoRulesAndCloseNoLinks(t *testing.T) {
	l := namespaced(t)
	hosts(t, l, "a", "b")
	a := l.medium.(*namespaces).sites["a"]
	if addrs, err := a.links.AddrList(a.end, netlink.FAMILY_V6); err != nil || len(addrs) != 0 {
		t.Errorf("a place has addresses of IPv6, whose chatter faults would count: %v, %v", addrs, err)
	}
	hub, err := netns.GetFromName(namePrefix + l.medium.(*namespaces).run)
	must(t, err)
	defer hub.Close()
	links, err := netlink.NewHandleAt(hub)
	must(t, err)
	defer links.Close()
	for range 2 {
		_, err := l.Pull("a")
		must(t, err)
		_, err = l.Cut([]string{"a"}, []string{"b"}, false)
		must(t, err)
	}
	filters, err := nftables.New(nftables.WithNetNSFd(int(hub)))
	must(t, err)
	if tables, err := filters.ListTables(); err != nil || len(tables) != 4 {
		t.Errorf("%d tables, %v; want one for each fault", len(tables), err)
	}
	must(t, l.Heal())
	if tables, err := filters.ListTables(); err != nil || len(tables) != 0 {
		t.Errorf("%d tables after the heal, %v", len(tables), err)
	}
	must(t, l.Close())
	if all, err := links.LinkList(); err != nil || len(all) != 1 {
		t.Errorf("%d links after Close, %v; want loopback alone", len(all), err)
	}
}

func TestCleanRemovesWhatAKilledLabLeft(t *testing.T) {
	living := namespaced(t)
	h := hosts(t, living, "a", "b")
	dead := startHolder(t, "hold")
	must(t, dead.cmd.Process.Kill())
	_ = dead.cmd.Wait() // says that it was killed
	await(t, "the housed process dies with its lab", func() bool { return !dead.housed.lives() })
	if all := left(t, dead.run); len(all) != 5 || !dead.stray.lives() {
		t.Fatalf("a killed lab left %v and its process alive: %v; want two names, a file, mounts and a link", all, dead.stray.lives())
	}
	removed, err := Clean()
	must(t, err)
	wantGone(t, dead)
	if len(removed) != 4 {
		t.Errorf("removed %v, want two names, a link and a file", removed)
	}
	wantOpen(t, h[0], h[1])
	if again, err := Clean(); err != nil || len(again) != 0 {
		t.Errorf("a second time removed %v, %v", again, err)
	}
}

func TestCleanSparesAProcessThatHasGotTheIDOfOneThatEnded(t *testing.T) {
	bystander := exec.Command(os.Args[0], "echo")
	in, err := bystander.StdinPipe()
	must(t, err)
	out, err := bystander.StdoutPipe()
	must(t, err)
	must(t, bystander.Start())
	defer bystander.Wait()
	defer bystander.Process.Kill()
	p, err := processOf(bystander.Process.Pid)
	must(t, err)
	must(t, kill([]process{{p.PID, p.Start - 1}}))
	_, err = in.Write([]byte("still here?\n"))
	must(t, err)
	if answer, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("a process was killed that the lab did not start: %q, %v", answer, err)
	}
	must(t, kill([]process{p}))
	if p.lives() {
		t.Error("a process that the lab started lives on")
	}
}

func TestALabThatPanicsOrIsInterruptedLeavesNothing(t *testing.T) {
	namespaced(t)
	wantEnd := func(h *holder) {
		t.Helper()
		_ = h.cmd.Wait() // a panic says so
		wantGone(t, h)
	}
	wantEnd(startHolder(t, "panic"))
	h := startHolder(t, "interrupt")
	if all := left(t, h.run); len(all) == 0 || !h.stray.lives() {
		t.Errorf("before the interrupt: %v", all)
	}
	must(t, h.cmd.Process.Signal(syscall.SIGINT))
	wantEnd(h)
}
