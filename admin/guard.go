package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"net/http"
	"strings"
)

// Config says who may ask, and what for. The zero Config lets in whoever reaches the listener, which is then on loopback or
// a Unix socket.
type Config struct {
	// Token is what a request must bring as a bearer token; empty: none. Without TLS it travels in the clear.
	Token string
	// TLS is the server's side beyond loopback; whoever shows a certificate that it verifies needs no token.
	TLS *tls.Config
	// Pprof adds Go's profiles under /debug/pprof/. They tell of code, never of sessions.
	Pprof bool
	// Pages are what can be asked for besides.
	Pages []Page
}

// guard lets in who has the token or a verified certificate; everyone where no token is set.
func guard(next http.Handler, token string) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(given))
		known := strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if !known && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			answer(w, http.StatusUnauthorized, "a bearer token is asked for")
			return
		}
		next.ServeHTTP(w, r)
	})
}
