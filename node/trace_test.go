package node_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// lines keeps what is logged, by whoever logs it.
type lines struct {
	mu  sync.Mutex // guards all
	all []string
}

// logger is a log of somebody, at level debug.
func (l *lines) logger(who string) *slog.Logger {
	return slog.New(slog.NewJSONHandler(lineWriter{l}, &slog.HandlerOptions{Level: slog.LevelDebug})).With("who", who)
}

type lineWriter struct{ to *lines }

// Write implements io.Writer.
func (w lineWriter) Write(line []byte) (int, error) {
	w.to.mu.Lock()
	defer w.to.mu.Unlock()
	w.to.all = append(w.to.all, string(bytes.Clone(line)))
	return len(line), nil
}

// steps is what was logged of one request, in its order: who and what.
func (l *lines) steps(request string) (steps []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		var entry struct{ Who, Msg, Request string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Request == request {
			steps = append(steps, entry.Who+": "+entry.Msg)
		}
	}
	return steps
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "")
}

// One request can be followed from the client library to the backup by its id, and no line has a whole session id.
func TestOneRequestCanBeFollowed(t *testing.T) {
	var log lines
	names := []string{"n1", "n2"}
	next := 0
	runCluster(t, 2, func(c *node.Config) { c.Log = log.logger(names[next%2]); next++ }, func(c *cluster) {
		c.wait(10 * time.Second)
		conn, err := c.net.Listen("10.0.1.1:0")
		if err != nil {
			t.Fatal(err)
		}
		cl, err := client.Dial(context.Background(), client.Config{
			Nodes: []string{c.nodes[0].addr}, App: "test", Key: wire.DevelopmentKey(), PacketConn: conn, Resolve: resolve, Log: log.logger("client"),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		id := write(t, cl, 1)[0]
		primary := c.primaryOf(id)
		want := []string{
			"client: request asked", names[primary] + ": request taken", names[1-primary] + ": update taken",
			names[primary] + ": request answered", "client: request ended",
		}
		var got []string
		for seq := uint64(100); seq < 200 && !slices.Equal(got, want); seq++ { // until the client has a connection to the primary
			request := replica.RequestID{Client: 7, Seq: seq}
			if _, err := cl.Commit(context.Background(), &replica.Commit{
				Key: keyOf(id), Request: request, Changes: []replica.Change{{Name: "n", Value: []byte("swordfish")}},
			}); err != nil {
				t.Fatal(err)
			}
			got = log.steps(request.String())
			time.Sleep(10 * time.Millisecond)
		}
		if !slices.Equal(got, want) {
			t.Errorf("steps are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if all := log.text(); strings.Contains(all, id) || strings.Contains(all, "swordfish") {
			t.Error("a whole session id, or a value, is in the log")
		}
		passedOn(t, c, &log, 1-primary, id)
	})
}

// passedOn has a request sent to the backup, which passes it on.
func passedOn(t *testing.T, c *cluster, log *lines, backup int, id string) {
	t.Helper()
	if _, err := c.nodes[backup].node.Commit(context.Background(), &replica.Commit{
		Key: keyOf(id), Request: replica.RequestID{Client: 7, Seq: 43}, Changes: []replica.Change{{Name: "n", Value: []byte("2")}},
	}); err != nil {
		t.Fatal(err)
	}
	if got := log.steps("0000000000000007-43"); len(got) != 5 || !strings.HasSuffix(got[0], ": request passed on") {
		t.Errorf("steps are\n%s", strings.Join(got, "\n"))
	}
}
