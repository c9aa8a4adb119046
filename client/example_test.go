package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"github.com/sessnode/sessnode/client"
)

// A shopping cart that survives the death of the node that holds it.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, client.Config{Nodes: []string{"127.0.0.1:7946"}, App: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sessions := client.NewManager(c, client.Cookie{Name: "sid"}) // secure defaults

	mux := http.NewServeMux()
	mux.HandleFunc("POST /cart", addToCart)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", sessions.Wrap(mux)))
}

func addToCart(w http.ResponseWriter, r *http.Request) {
	s := client.FromContext(r.Context())
	n, err := client.Get[int](s, "items")
	if err != nil {
		return // the error hook answers
	}
	if err := client.Set(s, "items", n+1); err != nil {
		return
	}
	fmt.Fprintf(w, "%d items", n+1)
}

func ExampleManager_Wrap() {
	store := client.NewMemStore() // a *client.Client, a *node.Node, or anything else with their two methods
	sessions := client.NewManager(store, client.Cookie{Name: "sid"})
	server := httptest.NewServer(sessions.Wrap(http.HandlerFunc(addToCart)))
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
	// Output:
	// items: 1
	// items: 2
}

// A handler that can do without its session keeps serving while the store cannot be reached.
func ExampleSession_Discard() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		name, err := client.Get[string](s, "name")
		if client.Unreachable(err) {
			s.Discard()
			name = "visitor"
		}
		fmt.Fprintf(w, "Hello, %s!", name)
	})
}

func ExampleManagerConfig() {
	sessions, err := client.ManagerConfig{
		Store:  client.NewMemStore(),
		Cookie: client.Cookie{Name: "__Host-sid", SameSite: http.SameSiteStrictMode},
		Idle:   15 * time.Minute,
		OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			if errors.Is(err, client.ErrEndedMeanwhile) {
				http.Redirect(w, r, "/login", http.StatusSeeOther)
				return
			}
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		},
	}.Build()
	fmt.Println(sessions != nil, err)
	// Output: true <nil>
}
