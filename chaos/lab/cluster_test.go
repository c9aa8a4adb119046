package lab

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// cutFor is how long the minority is cut off: longer than it takes to find out and to promote backups.
const cutFor = 3 * time.Second

// TestAClusterLivesThroughASplit is the whole of what the lab is for, with the command as users get it.
func TestAClusterLivesThroughASplit(t *testing.T) {
	binary := built(t)
	onEach(t, func(t *testing.T, l *Lab) {
		c := startCluster(t, l, binary, "node-1", "node-2", "node-3")
		c.awaitWhole(t)
		ids := c.write(t, 50)
		f, err := l.Cut([]string{"node-3"}, []string{"node-1", "node-2", "clients"}, false)
		must(t, err)
		for until := time.Now().Add(cutFor); time.Now().Before(until); {
			ids = append(ids, c.write(t, 10)...)
		}
		bites, err := f.Bites()
		must(t, err)
		for _, b := range bites {
			if b.Packets == 0 && b.To != "clients" { // whom node-3 only answers
				t.Errorf("nothing was cut from %s to %s: %v", b.From, b.To, bites)
			}
		}
		must(t, l.Heal())
		c.awaitWhole(t)
		slow, err := l.Delay(All("node-1"), 5*time.Millisecond, 5*time.Millisecond)
		must(t, err)
		ids = append(ids, c.write(t, 20)...)
		if bitten(t, slow) == 0 {
			t.Error("nothing was delayed")
		}
		must(t, l.Heal())
		for i, id := range ids {
			c.wantWritten(t, id, i)
		}
		t.Logf("%d sessions written and read, %v bitten", len(ids), bites)
	})
}

// built is the sessnode command.
func built(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessnode")
	out, err := exec.Command("go", "build", "-o", path, "github.com/sessnode/sessnode/cmd/sessnode").CombinedOutput()
	if err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	return path
}

// cluster is serve processes in places, and a client in another place.
type cluster struct {
	places    []*Place
	processes []*child.Process
	client    *client.Client
}

func startCluster(t *testing.T, l *Lab, binary string, names ...string) *cluster {
	t.Helper()
	c := &cluster{}
	var addrs []string
	for _, name := range names {
		p, err := l.Add(name)
		must(t, err)
		c.places, addrs = append(c.places, p), append(addrs, p.Addr())
	}
	key, err := wire.GenerateKey(rand.Reader)
	must(t, err)
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "key")
	must(t, os.WriteFile(keyFile, []byte(key.Text()), 0o600))
	for _, p := range c.places {
		s := &child.Process{Name: p.Name(), Dir: dir, Binary: binary, Args: []string{"serve", "-name", p.Name(), "-bind", p.Listen(),
			"-advertise", p.Addr(), "-join", strings.Join(addrs, ","), "-expect", fmt.Sprint(len(names)), "-key-file", keyFile,
			"-state-dir", dir}}
		p.House(s)
		must(t, s.Start())
		t.Cleanup(s.Retire)
		c.processes = append(c.processes, s)
	}
	c.dial(t, l, key, addrs)
	return c
}

func (c *cluster) dial(t *testing.T, l *Lab, key wire.Key, addrs []string) {
	t.Helper()
	place, err := l.Add("clients")
	must(t, err)
	socket, err := place.Open("")
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c.client, err = client.Dial(ctx, client.Config{Nodes: addrs, Key: key, PacketConn: socket, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("%v\n%s", err, c.processes[0].LogTail())
	}
	t.Cleanup(func() { must(t, c.client.Close()) })
}

// awaitWhole waits until every node sees all and lacks no copy.
func (c *cluster) awaitWhole(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	why := c.lacking(t)
	for until := time.Now().Add(20 * time.Second); why != ""; why = c.lacking(t) {
		if time.Now().After(until) {
			t.Fatal(why)
		}
		<-tick.C
	}
}

// lacking says what the first node that lacks something lacks.
func (c *cluster) lacking(t *testing.T) string {
	for i, p := range c.places {
		var s struct {
			Ready   bool
			Reason  string
			Members []json.RawMessage
			Slots   struct{ Unclaimed, Short, Dead int }
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		text, err := c.client.Status(ctx, p.Addr())
		cancel()
		if err == nil {
			err = json.Unmarshal(text, &s)
		}
		if err != nil || !s.Ready || len(s.Members) != len(c.places) || s.Slots.Unclaimed+s.Slots.Short+s.Slots.Dead > 0 {
			return fmt.Sprintf("%s: %v; %+v\n%s", p.Name(), err, s, c.processes[i].LogTail())
		}
	}
	return ""
}

// write makes sessions that hold their own ids, each acknowledged.
func (c *cluster) write(t *testing.T, count int) (ids []string) {
	t.Helper()
	for range count {
		id, err := replica.NewID(rand.Reader)
		must(t, err)
		res, err := c.client.Commit(t.Context(), &replica.Commit{Key: replica.Key{App: client.AppDefault, ID: id}, Create: true,
			Changes: []replica.Change{{Name: "id", Value: []byte(id)}}})
		if err = firstError(err, res.Err()); err != nil {
			t.Fatalf("create a session: %v", err)
		}
		ids = append(ids, id)
	}
	return ids
}

func (c *cluster) wantWritten(t *testing.T, id string, number int) {
	t.Helper()
	res, err := c.client.Load(t.Context(), &replica.Load{Key: replica.Key{App: client.AppDefault, ID: id}})
	if err = firstError(err, res.Err()); err != nil {
		t.Errorf("session %d: %v", number, err)
		return
	}
	if got, _ := res.Session.Get("id"); string(got) != id {
		t.Errorf("session %d holds %q", number, got)
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
