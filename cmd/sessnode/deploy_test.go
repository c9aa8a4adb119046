package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// unit is the settings of a unit file: each one's values, in their order.
func unit(t *testing.T, file string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			settings[name] = append(settings[name], value)
		}
	}
	return settings
}

// servedWith parses the flags of a command line `sessnode serve …` as serve does.
func servedWith(t *testing.T, args []string) serving {
	t.Helper()
	var s serving
	flags := newFlags("serve")
	s.define(flags)
	if len(args) < 2 || filepath.Base(args[0]) != "sessnode" || args[1] != "serve" {
		t.Fatalf("%q is not sessnode serve", args)
	}
	if err := flags.Parse(args[2:]); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	if flags.NArg() > 0 {
		t.Fatalf("%q: what is %q?", args, flags.Args())
	}
	return s
}

// The unit for systemd starts what there is, and leaves it the time that it needs.
func TestUnitFitsServe(t *testing.T) {
	settings := unit(t, "../../deploy/systemd/sessnode.service")
	one := func(name string) string {
		if len(settings[name]) != 1 {
			t.Fatalf("%s is given %d times", name, len(settings[name]))
		}
		return settings[name][0]
	}
	s := servedWith(t, strings.Fields(one("ExecStart")))
	stop, err := time.ParseDuration(one("TimeoutStopSec"))
	if err != nil || stop < s.drain+notifyExtend {
		t.Errorf("it is killed after %v (%v), while it drains for %v", stop, err, s.drain)
	}
	if got := one("LoadCredential"); !strings.HasPrefix(got, credential+":") {
		t.Errorf("serve does not look for the credential %s", got)
	}
	if got := one("RestartPreventExitStatus"); got != fmt.Sprint(exitUsage, exitConfig, exitRefused) {
		t.Errorf("no restart after %s, want only after what does not mend itself", got)
	}
	for name, want := range map[string]string{"Type": "notify", "Restart": "on-failure", "StateDirectory": "sessnode", "DynamicUser": "yes"} {
		if got := one(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestUnitIsOneForSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("no systemd-analyze here")
	}
	text, err := os.ReadFile("../../deploy/systemd/sessnode.service")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "sessnode.service") // verify asks for the binary to be there
	if err := os.WriteFile(copied, []byte(strings.ReplaceAll(string(text), "/usr/bin/sessnode", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", copied).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(copied)+":") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// The pods run commands that there are, with flags that these have, and end in time.
func TestPodsFitTheCommands(t *testing.T) {
	text, err := os.ReadFile("../../deploy/kubernetes/sessnode.yaml")
	if err != nil {
		t.Fatal(err)
	}
	one := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1)
		if len(found) != 1 {
			t.Fatalf("%s stands there %d times", pattern, len(found))
		}
		return found[0][1]
	}
	args := strings.Fields(strings.ReplaceAll(one(`(?s) args:\n(.*?)\n +#`), "- -", " -"))
	s := servedWith(t, append([]string{"sessnode", "serve"}, args...))
	limit := byteCount(0)
	if err := limit.Set(one(`limits: {memory: ([0-9]+)Gi}`) + "GiB"); err != nil || int(limit) < 2*s.conf.MemoryBytes {
		t.Errorf("sessions may take %d bytes, the pod %d: it needs twice as much (%v)", s.conf.MemoryBytes, limit, err)
	}
	var conn connection
	drain := newFlags("drain")
	defineDrain(drain, &conn)
	deadline := drain.Duration("deadline", 0, "")
	if err := drain.Parse(strings.Split(one(`\[sessnode, drain, (.*?)\]`), ", ")); err != nil {
		t.Error(err)
	}
	grace, err := time.ParseDuration(one(`terminationGracePeriodSeconds: ([0-9]+)`) + "s")
	if err != nil || grace <= *deadline+s.drain {
		t.Errorf("a pod is killed after %v (%v), it needs %v and %v", grace, err, *deadline, s.drain)
	}
	if replicas := one(`replicas: ([0-9]+)`); replicas != fmt.Sprint(s.conf.Expect) {
		t.Errorf("%s pods, %d are expected", replicas, s.conf.Expect)
	}
	if !strings.Contains(string(text), "--from-file="+credential+" ") && !strings.Contains(string(text), "--from-file="+credential+"\n") {
		t.Errorf("serve does not look for the secret's file, only for %s", credential)
	}
}
