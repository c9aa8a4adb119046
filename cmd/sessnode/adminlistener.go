package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/sessnode/sessnode/admin"
	"github.com/sessnode/sessnode/metrics"
	"github.com/sessnode/sessnode/node"
	"github.com/sessnode/sessnode/wire"
)

// noAdmin is the value of -admin that opens no listener.
const noAdmin = "none"

// tokenVariable is the environment variable that may hold the bearer token itself.
const tokenVariable = "SESSNODE_ADMIN_TOKEN"

// adminFlags is the flags of the admin listener beside its address.
type adminFlags struct {
	tokenFile string
	pprof     bool
}

// define adds the flags to a command's.
func (a *adminFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&a.tokenFile, "admin-token-file", "", "`FILE` with the bearer token that -admin asks for, 16 characters or more; or the "+
		"token itself in "+tokenVariable)
	flags.BoolVar(&a.pprof, "admin-pprof", false, "answer /debug/pprof/ on -admin too")
}

// config is who may ask the admin listener.
func (a *adminFlags) config(pki *wire.PKI) (admin.Config, error) {
	conf := admin.Config{Token: os.Getenv(tokenVariable), Pprof: a.pprof}
	if a.tokenFile != "" {
		if err := checkSecretFile("token file", a.tokenFile); err != nil {
			return conf, err
		}
		text, err := os.ReadFile(a.tokenFile)
		if err != nil {
			return conf, configError{fmt.Errorf("token file: %w", err)}
		}
		conf.Token = strings.TrimSpace(string(text))
	}
	if (a.tokenFile != "" || conf.Token != "") && len(conf.Token) < 16 {
		return conf, configError{errors.New("the token of the admin listener is shorter than 16 characters: make one with 'openssl rand -hex 16'")}
	}
	if pki != nil {
		conf.TLS = pki.HTTPS(conf.Token != "")
	}
	return conf, nil
}

// openAdmin opens the admin listener of a node whose socket is bound; nil if there is to be none. Where -admin says
// nothing, it is on loopback, under the number of the node's port: UDP and TCP do not get into each other's way.
func openAdmin(given, bind string, bound net.Addr, conf admin.Config) (net.Listener, error) {
	addr := given
	switch given {
	case noAdmin:
		return nil, nil
	case "":
		addr = adminDefault(bound)
	}
	l, err := admin.Listen(addr, conf)
	if given == "" && errors.Is(err, admin.ErrTaken) && strings.HasSuffix(bind, ":0") {
		return admin.Listen(net.JoinHostPort(hostOf(addr), "0"), conf) // any port was asked for
	}
	switch {
	case errors.Is(err, admin.ErrTaken):
		return nil, fmt.Errorf("admin listener, TCP: %w: choose another with -admin, or -admin %s", err, noAdmin)
	case errors.Is(err, admin.ErrAddress):
		return nil, fmt.Errorf("-admin: %w, with -admin-token-file or -tls-cert, -tls-key and -tls-ca", err)
	case err != nil:
		return nil, fmt.Errorf("admin listener: %w: choose another address with -admin, or -admin %s", err, noAdmin)
	}
	return l, nil
}

// adminDefault is the loopback address that goes with a node's own.
func adminDefault(bound net.Addr) string {
	at, err := netip.ParseAddrPort(bound.String())
	if err != nil || !at.Addr().IsLoopback() {
		return net.JoinHostPort("127.0.0.1", fmt.Sprint(at.Port()))
	}
	return at.String()
}

// hostOf is an address without its port.
func hostOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr) // of an address that could be listened on
	return host
}

// serveAdmin answers on the listener, if there is one, until the function returned is called.
func serveAdmin(l net.Listener, n *node.Node, conf admin.Config, log *slog.Logger) (stop func()) {
	if l == nil {
		return func() {}
	}
	n.ShowAdmin(admin.Describe(l))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // owns the listener; stop ends and joins it
		defer close(done)
		conf.Pages = []admin.Page{{Path: "/metrics", Handler: metrics.Handler(n, log)}}
		if err := admin.Serve(ctx, l, n, conf, log); err != nil {
			log.Error("admin listener has ended", "error", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// readyCommand is how a person asks the admin listener.
func readyCommand(addr string) string {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "curl --unix-socket " + path + " http://localhost/readyz"
	}
	return "curl http://" + addr + "/readyz"
}
