package clienttest_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/client/clienttest"
)

// A handler that counts, tested without a cluster.
func Example() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		n, err := client.Get[int](s, "items")
		if err != nil {
			return // the error hook answers
		}
		if err := client.Set(s, "items", n+1); err != nil {
			return
		}
		fmt.Fprintf(w, "%d items", n+1)
	})
	store := clienttest.NewStore()
	sessions := client.NewManager(store, client.Cookie{Name: "sid"})
	server := httptest.NewServer(sessions.Wrap(handler))
	defer server.Close()

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	for range 2 {
		resp, err := browser.Post(server.URL, "", nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		var n int
		fmt.Fscanf(resp.Body, "%d", &n)
		resp.Body.Close()
		fmt.Println("items:", n)
	}
	fmt.Println("sessions:", store.Sessions())
	// Output:
	// items: 1
	// items: 2
	// sessions: 1
}
