package admin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"time"
)

// Source is the node that is asked about. A *node.Node is one.
type Source interface {
	// Ready reports whether the node should be sent work; if not, why.
	Ready() (ready bool, reason string)
}

// answerTimeout is how long the node may take to answer: one whose lock is stuck is dead.
const answerTimeout = 2 * time.Second

// Page is a further thing that can be asked for, such as metrics. It gets as long to answer.
type Page struct {
	Path    string // of its URL, such as "/metrics"
	Handler http.Handler
}

// Handler answers GET and HEAD, in plain text:
//
//	/livez   200 "alive", or 503 when the node does not answer within two seconds
//	/readyz  200 "ready", or 503 and the reason
//
// conf's pages, 401 to who lacks the token that it asks for, and of a node that is a [Teller] too:
//
//	/             a page that shows the cluster as the node sees it
//	/status.json  what the page shows, as JSON
//	/events       the same as server-sent events, whenever it changes, and what happens as it does
func Handler(node Source, conf Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		node.Ready() // what it says does not matter here: it took the node's lock, which a node that is stuck does not give
		answer(w, http.StatusOK, "alive")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, reason := node.Ready(); !ready {
			answer(w, http.StatusServiceUnavailable, "not ready: "+reason)
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	for _, p := range conf.Pages {
		mux.Handle("GET "+p.Path, p.Handler)
	}
	teller, tells := node.(Teller)
	if tells {
		addPage(mux, teller, conf)
	}
	all := http.NewServeMux() // what takes longer than an answer may is not limited
	all.Handle("/", http.TimeoutHandler(mux, answerTimeout, fmt.Sprintf("no answer from the node within %v\n", answerTimeout)))
	if tells {
		all.Handle("GET /events", guarded(conf, newStreams(teller).ServeHTTP))
	}
	if conf.Pprof {
		addProfiles(all)
	}
	return guard(all, conf.Token)
}

// addProfiles adds Go's: pprof moves the connection's own deadline.
func addProfiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // who asked may be gone
}
