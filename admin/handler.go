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
// conf's pages, and 401 to who lacks the token that it asks for.
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
	limited := http.TimeoutHandler(mux, answerTimeout, fmt.Sprintf("no answer from the node within %v\n", answerTimeout))
	if !conf.Pprof {
		return guard(limited, conf.Token)
	}
	return guard(withProfiles(limited), conf.Token)
}

// withProfiles adds what takes longer than an answer may: pprof moves the connection's own deadline.
func withProfiles(rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", rest)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n") // who asked may be gone
}
