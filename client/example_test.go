package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/sessnode/sessnode/client"
	"github.com/sessnode/sessnode/wire"
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

// The middleware goes around the handlers that use sessions. Package clienttest has a store that tests them without a
// cluster.
func ExampleManager_Wrap() {
	c, err := client.Dial(context.Background(), client.Config{Nodes: []string{"127.0.0.1:7946"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sessions := client.NewManager(c, client.Cookie{Name: "sid"})
	http.Handle("POST /cart", sessions.Wrap(http.HandlerFunc(addToCart)))
}

// A client of a cluster that has a key: "sessnode keygen -client" makes the file.
func ExampleDial_key() {
	text, err := os.ReadFile("client.key")
	if err != nil {
		log.Fatal(err)
	}
	key, err := wire.ParseKey(string(text)) // white space around it does not matter
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.Dial(context.Background(), client.Config{Nodes: []string{"10.0.0.1:7946", "10.0.0.2:7946"}, Key: key})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
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
	c, err := client.Dial(context.Background(), client.Config{Nodes: []string{"127.0.0.1:7946"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sessions, err := client.ManagerConfig{
		Store:  c,
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
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /cart", sessions.Wrap(http.HandlerFunc(addToCart)))
}
