package admin

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"path"
)

// Teller is a node that tells more of itself: a console is made of it. A *node.Node is one.
type Teller interface {
	// Console is what the page shows, by the names of its parts, without the contents or whole ids of sessions. It is called once
	// a second for each stream. The answer is only read.
	Console() map[string]json.RawMessage
	// Happened is what happened after the one of that number and is still kept, oldest first, and the number to ask with next.
	Happened(after uint64) (events []json.RawMessage, last uint64)
	// Wake gives a channel that holds something whenever something happened since it was last read, until stop is called. An
	// error: too many have one.
	Wake() (happened <-chan struct{}, stop func(), err error)
}

//go:embed page
var embedded embed.FS

// files are those of the page, by path: its document at "/".
func files() map[string]string {
	all := map[string]string{"/{$}": "page/index.html"}
	entries, err := fs.ReadDir(embedded, "page")
	if err != nil {
		panic("admin: BUG: the page is not embedded: " + err.Error())
	}
	for _, e := range entries {
		if e.Name() != "index.html" {
			all["/"+e.Name()] = "page/" + e.Name()
		}
	}
	return all
}

// kinds are the types of the files, whatever the machine's own table says.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

// addPage has the page and /status.json answered.
func addPage(mux *http.ServeMux, node Teller, conf Config) {
	for at, file := range files() {
		text, err := embedded.ReadFile(file)
		if err != nil {
			panic("admin: BUG: the page is not embedded: " + err.Error())
		}
		kind := kinds[path.Ext(file)]
		mux.Handle("GET "+at, guarded(conf, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(text) // who asked may be gone
		}))
	}
	mux.Handle("GET /status.json", guarded(conf, func(w http.ResponseWriter, _ *http.Request) {
		events, _ := node.Happened(0)
		all := map[string]any{"events": append([]json.RawMessage{}, events...)}
		for name, part := range node.Console() {
			all[name] = part
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(all) // likewise
	}))
}

// policy lets the page load its own files and ask its own node, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// guarded keeps other sites' pages from reading the answer or framing it. A page that has its own name point at this listener
// is known by that name; who must show a token or a certificate is no such page.
func guarded(conf Config, answers http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if conf.Token == "" && conf.TLS == nil && !isPlain(r.Host) {
			http.Error(w, "ask for an address or localhost: a proxy in front must set Host so", http.StatusMisdirectedRequest)
			return
		}
		answers(w, r)
	})
}

// isPlain reports whether a request names its host by an address or as localhost.
func isPlain(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	if len(host) > 1 && host[0] == '[' {
		host = host[1 : len(host)-1]
	}
	_, err = netip.ParseAddr(host)
	return err == nil || host == "localhost"
}
