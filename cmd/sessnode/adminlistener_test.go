package main

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/admin"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
)

// Whoever reaches the admin listener, profiles included, finds neither what sessions hold nor their ids.
func TestAdminListenerShowsNoSession(t *testing.T) {
	n, err := node.New(node.Config{Listen: "127.0.0.1:0", Name: "one", Slots: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() { stop(); <-done }()
	id, err := replica.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const secret = "the card number of somebody"
	within, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := n.Commit(within, &replica.Commit{
		Key: replica.Key{App: "shop", ID: id}, Create: true, Changes: []replica.Change{{Name: "card", Value: []byte(secret)}},
	}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(admin.Handler(n, admin.Config{Pprof: true}))
	defer server.Close()
	for _, path := range []string{
		"/livez", "/readyz", "/", "/debug/pprof/", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1", "/debug/pprof/heap",
		"/debug/pprof/allocs?debug=1", "/debug/pprof/threadcreate?debug=1", "/debug/pprof/cmdline", "/debug/pprof/trace?seconds=0.1",
		"/sessions", "/sessions/" + replica.ShortID(id),
	} {
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || strings.Contains(string(body), id) || strings.Contains(string(body), secret) {
			t.Errorf("attacker asks %s and finds a session: %v", path, err)
		}
		t.Logf("attacker asks %s and gets %s, %d bytes", path, resp.Status, len(body))
	}
}
