package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sessnode/sessnode/replica"
)

// run runs a command line in this process.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaint bytes.Buffer
	p := &program{in: strings.NewReader(""), out: &out, err: &complaint}
	code = p.run(t.Context(), args)
	return code, out.String(), complaint.String()
}

func TestRingJSONForEveryLeaver(t *testing.T) {
	for _, members := range []int{3, 5, 10, 30} {
		for i := range members {
			leaver := fmt.Sprintf("node-%02d", i+1)
			code, out, complaint := run(t, "ring", "-members", fmt.Sprint(members), "-leave", leaver, "-json")
			if code != exitOK {
				t.Fatalf("%d members, %s leaves: exit code %d: %s", members, leaver, code, complaint)
			}
			var got struct {
				Slots        int     `json:"slots"`
				CopiesMoved  int     `json:"copies_moved"`
				CopiesMin    int     `json:"copies_moved_minimum"`
				Heirs        float64 `json:"heirs_with_copy"`
				MaxOverMean  float64 `json:"load_max_over_mean"`
				MembersAfter int     `json:"members_after"`
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%d members, %s leaves: %v", members, leaver, err)
			}
			moved := float64(got.CopiesMoved) / float64(max(got.CopiesMin, 1))
			if got.Slots != 1024 || got.MembersAfter != members-1 || moved > 1.2 || got.Heirs != 1 || got.MaxOverMean > 1.35 {
				t.Errorf("%d members, %s leaves: %+v", members, leaver, got)
			}
		}
	}
}

func TestSessionView(t *testing.T) {
	long := strings.Repeat("ä", valueLenShown)
	s := &replica.Session{
		Key:      replica.Key{App: "shop", ID: "tagtag.0123456789012345678901"},
		Born:     replica.Stamp{Clock: 1_000_000 << 16},
		Stamp:    replica.Stamp{Clock: 1_060_000<<16 | 5, Boot: 9},
		Accessed: 2 * time.Second,
		Settings: replica.Settings{Idle: 30 * time.Minute, Deadline: 90_000_000},
		Attrs: []*replica.Attr{
			{Name: "binary", Value: []byte{0, 1}}, {Name: "empty"}, {Name: "gone", Deleted: true},
			{Name: "long", Value: []byte("x" + long)}, {Name: "text", Value: []byte(`{"items":1}`)},
			{Name: "unsafe", Value: []byte("\x1b[2J")},
		},
	}
	where := replica.Location{Slot: 7, Epoch: 2, Primary: replica.Member{Name: "n1", Boot: 1, Addr: "127.0.0.1:1"}}
	v := viewOf(s, where, time.UnixMilli(1_070_000), 5*time.Second, valueLenShown)

	want := []attributeView{
		{Name: "binary", Bytes: 2, Hex: "0001"}, {Name: "empty"},
		{Name: "long", Bytes: 1 + len(long), Text: ("x" + long)[:valueLenShown-1], Cut: true},
		{Name: "text", Bytes: 11, Text: `{"items":1}`}, {Name: "unsafe", Bytes: 4, Hex: "1b5b324a"},
	}
	if diff := cmp.Diff(want, v.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	if v.IdleSeconds != 3 || v.IdleMax != 1800 || !v.Created.Equal(time.UnixMilli(1_000_000)) || v.Backups == nil {
		t.Errorf("view = %+v", v)
	}
	var out bytes.Buffer
	if err := printSession(&out, v); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"tagtag.0… of shop", "n1 at 127.0.0.1:1", "none at the moment", "3s of 30m0s", `"text"`, "hex 0001"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), s.Key.ID) || strings.ContainsRune(out.String(), '\x1b') {
		t.Errorf("the whole id or a control character is shown:\n%q", out.String())
	}
}

func TestSessionIDMayStandAnywhere(t *testing.T) {
	const id = "-agtag.0123456789012345678901"
	for _, tt := range []struct{ args, want string }{
		{id + " -json", "-json -- " + id},
		{"-json " + id, "-json -- " + id},
		{"-json -- " + id, "-json -- " + id},
		{"-json other", "-json other"},
	} {
		if got := strings.Join(idLast(strings.Fields(tt.args)), " "); got != tt.want {
			t.Errorf("idLast(%q) = %q, want %q", tt.args, got, tt.want)
		}
	}
}

func TestSessionIDFromStandardInput(t *testing.T) {
	p := &program{in: strings.NewReader("the-id\n")}
	if id, err := p.sessionID([]string{"-"}); id != "the-id" || err != nil {
		t.Errorf("sessionID = %q, %v", id, err)
	}
	if _, err := (&program{in: strings.NewReader("")}).sessionID([]string{"-"}); exitCode(err) != exitUsage {
		t.Errorf("empty input: %v", err)
	}
}

func TestKeyFilesAreNotShown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	const secret = "sessnode-cluster-swordfish"
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, complaint := run(t, "serve", "-key-file", file)
	if code != exitConfig || strings.Contains(complaint, "swordfish") || strings.Count(complaint, "\n") != 1 {
		t.Errorf("exit code %d, %q", code, complaint)
	}
}

func TestStatusTellsWhatIsUnderWay(t *testing.T) {
	for _, tt := range []struct{ document, want string }{
		{`{"node":"n1"}`, ""},
		{`{"node":"n1","events":{}}`, ""},
		{`{"node":"n1","events":{"slot promoted":2}}`, "\nsince start\n  slot promoted  2\n"},
		{`{"node":"n1","events":{"slot promoted":2,"slot claimed empty":3},"warnings":["first","second"]}`,
			"\nsince start\n  slot claimed empty  3\n  slot promoted       2\n\nWARNING: first\n\nWARNING: second\n"},
		{`{"node":"n1","admin":"127.0.0.1:7946"}`, "admin listener at 127.0.0.1:7946\n"},
		{`{"node":"n1","progress":{"restoring":1,"moving":2,"left":3,"left_bytes":45678,"waiting":"settling 6 s"}}`,
			"under way: 1 copies being restored, 2 slots being moved home; 3 slots left, 45 kB; waiting: settling 6 s\n"},
		{`{"node":"n1","progress":{"pauses":7,"pause_p50_ms":2.25,"pause_p99_ms":30}}`,
			"the last 7 hand-offs: pause of 2.2 ms at the median, 30.0 ms at the 99th percentile\n"},
	} {
		var out bytes.Buffer
		if err := printStatus(&out, []byte(tt.document), false); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(out.String(), " bytes\n")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.document, diff)
		}
	}
}

func TestStateDirDefault(t *testing.T) {
	for _, tt := range []struct{ systemd, xdg, home, want string }{
		{"/var/lib/sessnode:/var/lib/other", "/state", "/home/ada", "/var/lib/sessnode"},
		{"", "/state", "/home/ada", "/state/sessnode"},
		{"", "relative", "/home/ada", "/home/ada/.local/state/sessnode"},
		{"", "", "/home/ada", "/home/ada/.local/state/sessnode"},
	} {
		t.Setenv("STATE_DIRECTORY", tt.systemd)
		t.Setenv("XDG_STATE_HOME", tt.xdg)
		t.Setenv("HOME", tt.home)
		if got, err := stateDirDefault(); runtime.GOOS == "linux" && (got != tt.want || err != nil) {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	err := fmt.Errorf("client: no node answered: %w\nnode: second: wire: third", os.ErrDeadlineExceeded)
	const want = "no node answered: i/o timeout; second: third"
	if got := oneLine(err); got != want {
		t.Errorf("oneLine = %q, want %q", got, want)
	}
}
