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
		got := sha256.Sum256([]byte(tokenOf(r)))
		known := subtle.ConstantTimeCompare(got[:], want[:]) == 1
		if !known && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0) {
			w.Header()["WWW-Authenticate"] = []string{"Bearer", `Basic realm="sessnode", charset="UTF-8"`}
			answer(w, http.StatusUnauthorized, "a bearer token is asked for, or the token as a password")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tokenOf is the token that a request brings: as a bearer token, or as the password that a browser asks its user for. A page
// can give its streams no header.
func tokenOf(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return given
}
