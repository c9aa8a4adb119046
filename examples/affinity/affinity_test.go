package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessnode/sessnode/child"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/replica"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names are those of the servers, in the proxies' configurations and here.
var names = []string{"a", "b", "c"}

// appServer is one application server with the node in it.
type appServer struct {
	node   *node.Node
	socket net.PacketConn
	http   *http.Server
	addr   string        // of http
	done   chan struct{} // closed when the node's Run has returned
}

// startServers runs three application servers, whose nodes have founded a cluster.
func startServers(t testing.TB) map[string]*appServer {
	t.Helper()
	var sockets []net.PacketConn
	var seeds []string
	for range names {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sockets = append(sockets, socket)
		seeds = append(seeds, socket.LocalAddr().String())
	}
	servers := map[string]*appServer{}
	for i, name := range names {
		servers[name] = startServer(t, node.Config{
			Name: name, PacketConn: sockets[i], Join: seeds, Expect: len(names), Slots: 64, Log: slog.New(slog.DiscardHandler),
		})
	}
	await(t, "the cluster", func() bool {
		for _, s := range servers {
			if st := s.node.Status(); !st.Ready || len(st.Members) != len(names) || st.Slots.Short > 0 {
				return false
			}
		}
		return true
	})
	return servers
}

func startServer(t testing.TB, conf node.Config) *appServer {
	t.Helper()
	n, err := node.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	app, err := newApp(n)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &appServer{
		node: n, socket: conf.PacketConn, http: &http.Server{Handler: app}, addr: listener.Addr().String(), done: make(chan struct{}),
	}
	go func() { _ = s.http.Serve(listener) }() // until kill closes it
	go func() {
		defer close(s.done)
		_ = n.Run(context.Background()) // until kill closes the node
	}()
	t.Cleanup(s.kill)
	return s
}

// kill ends a server as SIGKILL would: its sockets are gone and nobody is told.
func (s *appServer) kill() {
	_ = s.socket.Close()
	_ = s.http.Close()
	_ = s.node.Close()
	<-s.done
}

// await polls, on the wall clock.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for range 1500 {
		if done() {
			return
		}
		<-ticker.C
	}
	t.Fatalf("%s is not ready after 15 s", what)
}

// proxy is a real one, run with the configuration beside this file.
type proxy struct {
	binary, config string
	install        string
	args           func(config, dir string) []string
}

var proxies = []proxy{
	{"haproxy", "haproxy.cfg", "apt-get install haproxy", func(config, _ string) []string {
		return []string{"-db", "-f", config}
	}},
	{"nginx", "nginx.conf", "apt-get install nginx-light", func(config, dir string) []string {
		return []string{"-p", dir, "-c", config}
	}},
}

// start runs the proxy in front of the servers, with their ports in place of those in its configuration, and returns its
// own URL.
func (p proxy) start(t *testing.T, servers map[string]*appServer) string {
	t.Helper()
	path, err := exec.LookPath(p.binary)
	if err != nil {
		path = filepath.Join("/usr/sbin", p.binary) // which the PATH of a user may lack
		if _, err := os.Stat(path); err != nil {
			t.Skipf("no %s on this machine; to run this test: %s", p.binary, p.install)
		}
	}
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	free, err := child.FreeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	own := free[0]
	config := strings.NewReplacer(
		"127.0.0.1:8080", own, "127.0.0.1:8081", servers["a"].addr, "127.0.0.1:8082", servers["b"].addr,
		"127.0.0.1:8083", servers["c"].addr,
	).Replace(string(text))
	dir := t.TempDir()
	file := filepath.Join(dir, p.config)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, p.args(file, dir)...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // both end at once; nginx takes its workers along
		_ = cmd.Wait()
	})
	await(t, p.binary, func() bool {
		conn, err := net.Dial("tcp", own)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	return "http://" + own
}

// browser is one visitor.
type browser struct {
	t    testing.TB
	base string
	http *http.Client
}

func newBrowser(t testing.TB, base string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 1}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, base, &http.Client{Jar: jar, Transport: transport, Timeout: 10 * time.Second}}
}

// get is a page, and which server made it.
func (b *browser) get() (status int, body, server string) {
	b.t.Helper()
	return b.answer(b.http.Get(b.base + "/"))
}

func (b *browser) login(user string) (server string) {
	b.t.Helper()
	status, body, server := b.answer(b.http.PostForm(b.base+"/login", url.Values{"user": {user}}))
	if status != http.StatusOK {
		b.t.Fatalf("login: %d %s", status, body)
	}
	return server
}

func (b *browser) answer(resp *http.Response, err error) (status int, body, server string) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header.Get("X-Served-By")
}

// cookie is what the browser would send.
func (b *browser) cookie(name string) string {
	at, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// primary is the node that is primary of a browser's session, as any server that lives knows it.
func primary(t testing.TB, b *browser, servers map[string]*appServer) replica.Member {
	t.Helper()
	for _, s := range servers {
		where, err := s.node.Locate(context.Background(), b.cookie("sid"))
		if err != nil {
			t.Fatal(err)
		}
		return where.Primary
	}
	t.Fatal("no server lives")
	return replica.Member{}
}

// TestProxiesFollowTheHint: requests reach the server whose node is primary, one after the login; and when that server has
// died another one, with all that the session held, and soon the new primary's.
func TestProxiesFollowTheHint(t *testing.T) {
	for _, p := range proxies {
		t.Run(p.binary, func(t *testing.T) {
			servers := startServers(t)
			base := p.start(t, servers)
			var all []*browser
			elsewhere := 0
			for i := range 12 {
				b := newBrowser(t, base)
				login := b.login(fmt.Sprint("user", i))
				want := primary(t, b, servers).Name
				if login != want {
					elsewhere++
				}
				for visit := range 3 {
					status, body, server := b.get()
					if status != http.StatusOK || body != fmt.Sprintf("user%d %d", i, visit+1) || server != want {
						t.Errorf("visit %d of user %d: %d %s by %s, primary is %s", visit+1, i, status, body, server, want)
					}
				}
				all = append(all, b)
			}
			if elsewhere == 0 {
				t.Error("every login happened to reach the primary: this shows nothing")
			}
			victim := all[0].cookie(routeCookie)
			servers[victim].kill()
			delete(servers, victim)
			for i, b := range all {
				follow(t, i, b, victim, servers)
			}
			logoutOf(t, all[0])
		})
	}
}

// follow visits until a request reaches the session's primary.
func follow(t *testing.T, i int, b *browser, victim string, servers map[string]*appServer) {
	t.Helper()
	was := b.cookie(routeCookie)
	since := time.Now()
	const requestsMax = 5
	for n := 1; n <= requestsMax; n++ {
		status, body, server := b.get()
		if status != http.StatusOK || body != fmt.Sprintf("user%d %d", i, 3+n) || server == victim {
			t.Fatalf("request %d of user %d after the death of %s: %d %s by %s", n, i, victim, status, body, server)
		}
		if now := primary(t, b, servers).Name; now == server && b.cookie(routeCookie) == server {
			if was == victim {
				t.Logf("user %d went from %s to %s in %d requests, %v", i, was, server, n, time.Since(since).Round(time.Millisecond))
			}
			return
		}
	}
	t.Errorf("user %d has not reached its primary in %d requests; the hint is %s", i, requestsMax, b.cookie(routeCookie))
}

// logoutOf makes the browser forget both cookies.
func logoutOf(t *testing.T, b *browser) {
	t.Helper()
	status, body, _ := b.answer(b.http.PostForm(b.base+"/logout", nil))
	if status != http.StatusOK || b.cookie("sid") != "" || b.cookie(routeCookie) != "" {
		t.Errorf("logout: %d %s; cookies left: %q, %q", status, body, b.cookie("sid"), b.cookie(routeCookie))
	}
}
