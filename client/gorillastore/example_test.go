package gorillastore_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/client/gorillastore"
)

// A handler uses the store like any other of gorilla's. Outside of tests it is gorillastore.New(c) with c from
// client.Dial.
func Example() {
	store := gorillastore.New(clienttest.NewStore())
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "cart")
		if err != nil {
			http.Error(w, "Sessions cannot be reached at the moment.", http.StatusServiceUnavailable)
			return
		}
		n, _ := session.Values["items"].(int)
		session.Values["items"] = n + 1
		if err := session.Save(r, w); err != nil {
			http.Error(w, "The session could not be saved.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, n+1)
	}))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
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
