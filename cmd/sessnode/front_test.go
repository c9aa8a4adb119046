package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sessnode/sessnode/child"
)

func TestFrontKillsOnlyForItsOwnPage(t *testing.T) {
	d := &demo{nodes: []*child.Process{{Name: "node-1"}}, shopURLs: []string{"http://127.0.0.1:1"}}
	f, err := newFront(d, "127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	const own = "http://127.0.0.1:8080"
	for _, tt := range []struct {
		name, method, host, path, origin, token string
		want                                    int
	}{
		{"own page", "POST", f.host, "/control/kill/node-1", own, f.token, http.StatusNoContent},
		{"no token", "POST", f.host, "/control/kill/node-1", own, "", http.StatusForbidden},
		{"wrong token", "POST", f.host, "/control/kill/node-1", own, f.token + "x", http.StatusForbidden},
		{"start without token", "POST", f.host, "/control/start/node-1", own, "", http.StatusForbidden},
		{"other page", "POST", f.host, "/control/kill/node-1", "http://127.0.0.1:8081", f.token, http.StatusForbidden},
		{"no page", "POST", f.host, "/control/kill/node-1", "", f.token, http.StatusForbidden},
		{"name pointed at it", "POST", "evil.example:8080", "/control/kill/node-1", own, f.token, http.StatusMisdirectedRequest},
		{"list under another name", "GET", "evil.example:8080", "/control/nodes", "", "", http.StatusMisdirectedRequest},
		{"list", "GET", f.host, "/control/nodes", "", "", http.StatusOK},
		{"unknown node", "POST", f.host, "/control/kill/node-9", own, f.token, http.StatusNotFound},
		{"by link", "GET", f.host, "/control/kill/node-1", own, f.token, http.StatusNotFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://"+tt.host+tt.path, nil)
			r.Header.Set("Origin", tt.origin)
			r.Header.Set("X-Demo-Token", tt.token)
			w := httptest.NewRecorder()
			f.handler().ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("%s %s: %d %s, want %d", tt.method, tt.path, w.Code, w.Body, tt.want)
			}
		})
	}
}
