package admin_test

import (
	"crypto/tls"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/admin"
)

// Who has no token is told nothing, on whatever path.
func TestToken(t *testing.T) {
	handler := admin.Handler(source(""), admin.Config{Token: "a token of some length", Pprof: true})
	for _, path := range []string{"/readyz", "/livez", "/debug/pprof/", "/nowhere"} {
		for _, given := range []string{"", "Bearer", "Bearer ", "Bearer a token of some lengt", "Basic a token of some length", "Basic " + base64.StdEncoding.EncodeToString([]byte("a token of some length:"))} {
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Authorization", given)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != 401 || strings.Contains(w.Body.String(), "ready") {
				t.Errorf("attacker asks %s with %q and gets %d %q, want 401", path, given, w.Code, w.Body)
			}
		}
	}
	password := base64.StdEncoding.EncodeToString([]byte("anybody:a token of some length"))
	for _, given := range []string{"bearer a token of some length", "Basic " + password} {
		r := httptest.NewRequest("GET", "/readyz", nil)
		r.Header.Set("Authorization", given)
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != 200 {
			t.Errorf("with %q: %d %q", given, w.Code, w.Body)
		}
	}
}

func TestBeyondLoopback(t *testing.T) {
	for name, conf := range map[string]admin.Config{"token": {Token: "t"}, "certificates": {TLS: &tls.Config{MinVersion: tls.VersionTLS13}}} {
		l, err := admin.Listen("0.0.0.0:0", conf)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = l.Close()
	}
}

func TestProfilesAreOff(t *testing.T) {
	for pprof, want := range map[bool]int{false: 404, true: 200} {
		w := httptest.NewRecorder()
		admin.Handler(source(""), admin.Config{Pprof: pprof}).ServeHTTP(w, httptest.NewRequest("GET", "/debug/pprof/goroutine?debug=1", nil))
		if w.Code != want {
			t.Errorf("pprof %v: %d, want %d", pprof, w.Code, want)
		}
	}
}
