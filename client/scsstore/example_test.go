package scsstore_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/alexedwards/scs/v2"
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/client/scsstore"
)

// An application that uses scs changes one line: the store. Outside of tests that is scsstore.New(c) with c from
// client.Dial.
func Example() {
	sessions := scs.New()
	sessions.Store = scsstore.New(clienttest.NewStore())
	server := httptest.NewServer(sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := sessions.GetInt(r.Context(), "items") + 1
		sessions.Put(r.Context(), "items", n)
		fmt.Fprint(w, n)
	})))
	defer server.Close()

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	for range 2 {
		resp, err := browser.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		var n int
		fmt.Fscan(resp.Body, &n)
		resp.Body.Close()
		fmt.Println("items:", n)
	}
	// Output:
	// items: 1
	// items: 2
}
