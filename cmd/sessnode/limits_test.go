package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/node"
)

func TestLimitsFlag(t *testing.T) {
	var conf node.Config
	l := limits{&conf}
	for _, text := range []string{"lifetime=720h,session=512KiB", "conns=7, conn-requests=9"} {
		if err := l.Set(text); err != nil {
			t.Fatal(err)
		}
	}
	if conf.Limits.LifetimeMax != 720*time.Hour || conf.Limits.SessionBytesMax != 512<<10 || conf.Traffic.ConnsMax != 7 || conf.Traffic.RequestsPerConn != 9 {
		t.Errorf("%+v %+v", conf.Limits, conf.Traffic)
	}
	if got, want := l.String(), "session=512KiB,lifetime=720h0m0s,conns=7,conn-requests=9"; got != want {
		t.Errorf("it prints as %q, want %q", got, want)
	}
	for text, want := range map[string]string{
		"": "there is no limit", "speed=9": "choose of session, attributes", "conns": "such as 1000", "conns=0": "such as 1000",
		"session=-1": "such as 65536", "lifetime=1": "such as 500ms", "lifetime=0s": "such as 500ms", "conns=5,": "there is no limit",
	} {
		if err := l.Set(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Limits under which a session could not travel are refused.
func TestLimitsThatDoNotFit(t *testing.T) {
	for text, fits := range map[string]bool{
		"session=1MiB": true, "session=3MiB,tail-bytes=4MiB": false, "attributes=2000": false, "attributes=2000,name=64": true,
	} {
		var conf node.Config
		if err := (limits{&conf}).Set(text); err != nil {
			t.Fatal(err)
		}
		if err := conf.Validate(); (err == nil) != fits {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Every limit that can be set stands in the table of the guide.
func TestLimitsAreExplained(t *testing.T) {
	guide, err := os.ReadFile("../../docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range (limits{&node.Config{}}).all() {
		if !strings.Contains(string(guide), "`"+k.name+"=`") {
			t.Errorf("docs/SECURITY.md does not say what the limit %s is", k.name)
		}
	}
}
