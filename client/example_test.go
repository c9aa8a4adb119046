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
	"github.com/sessnode/sessnode/client/clienttest"
	"github.com/sessnode/sessnode/replica"
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

// A login gives the session a new id: what somebody planted or saw before is worth nothing then.
func ExampleSession_RenewID() {
	http.HandleFunc("POST /login", login)
	http.HandleFunc("POST /logout", logout)
}

func login(w http.ResponseWriter, r *http.Request) {
	user, ok := checkPassword(r.FormValue("user"), r.FormValue("password"))
	if !ok {
		http.Error(w, "wrong name or password", http.StatusUnauthorized)
		return
	}
	s := client.FromContext(r.Context())
	err := errors.Join(
		s.RenewID(),
		client.Set(s, "user", user),
		client.SetPrincipal(s, user.ID),
		client.Flash(s, "Welcome back, "+user.Name+"!"),
	)
	if r.FormValue("remember") != "" {
		err = errors.Join(err, s.Keep(12*time.Hour, 24*time.Hour)) // idle, and at most
	}
	if err != nil {
		http.Error(w, "please try again", http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logout(w http.ResponseWriter, r *http.Request) {
	s := client.FromContext(r.Context())
	if err := s.Destroy(); err != nil {
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

type account struct{ ID, Name string }

func checkPassword(name, password string) (account, bool) {
	return account{ID: "user-7", Name: name}, password != ""
}

// Whom to ask to log in, and what to tell them.
func ExampleSession_Missing() {
	http.HandleFunc("/account", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		user, err := client.Get[account](s, "user")
		switch {
		case err != nil:
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		case user.ID != "":
			fmt.Fprintf(w, "Hello, %s!", user.Name)
		case errors.Is(s.Missing(), replica.ErrNotFound):
			http.Error(w, "Your session has expired. Please log in again.", http.StatusUnauthorized)
		default:
			http.Error(w, "Please log in.", http.StatusUnauthorized)
		}
	})
}

// A message that is shown once, on the page after the redirect.
func ExampleFlash() {
	http.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		messages, err := client.TakeFlashes[string](s)
		if err != nil {
			return
		}
		for _, message := range messages {
			fmt.Fprintln(w, message)
		}
	})
}

// A counter that parallel requests count up, on any number of application servers.
func ExampleSession_Update() {
	http.HandleFunc("POST /vote", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		err := s.Update(r.Context(), func() error { // again and again, until nobody came between
			n, err := client.Get[int](s, "votes")
			if err != nil {
				return err
			}
			return client.Set(s, "votes", n+1)
		})
		if err != nil {
			http.Error(w, "please try again", http.StatusServiceUnavailable)
		}
	})
}

// One request of a visitor at a time: the second click on "pay" waits, and finds the cart empty.
func ExampleSession_Lock() {
	http.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		held, err := s.Lock(r.Context(), client.LockOptions{Wait: 2 * time.Second})
		switch {
		case errors.Is(err, replica.ErrLocked):
			http.Error(w, "One moment, your last click is still under way.", http.StatusConflict)
			return
		case err != nil:
			return
		}
		cart, err := client.Get[[]string](s, "cart") // as the request before this one left it
		if err != nil || len(cart) == 0 {
			return
		}
		if err := charge(r.Context(), cart, held.Fence()); err != nil {
			return
		}
		if err := client.Delete(s, "cart"); err != nil {
			return
		}
		fmt.Fprintln(w, "Thank you!")
	}) // the lock is released when the response has been committed
}

// charge stands for something outside that refuses a lower number than it has seen.
func charge(_ context.Context, cart []string, fence uint64) error {
	fmt.Println(len(cart), fence)
	return nil
}

// Changing the password logs out everywhere else.
func ExampleManager_DestroyByPrincipal() {
	sessions := client.NewManager(clienttest.NewStore(), client.Cookie{Name: "sid"})
	http.HandleFunc("POST /password", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		user, err := client.Principal(s)
		if err != nil || user == "" {
			http.Error(w, "Please log in.", http.StatusUnauthorized)
			return
		}
		// First the password is changed, so that nobody logs in with the old one; then:
		others, err := sessions.DestroyByPrincipal(r.Context(), user, s)
		if err != nil {
			http.Error(w, "Some sessions may live on: please try again.", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, "Logged out on %d other devices.", others)
	})
}

// An order leaves the house only when two nodes know of it.
func ExampleSession_Commit() {
	http.HandleFunc("POST /order", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		if err := client.Set(s, "ordered", time.Now()); err != nil {
			return
		}
		copies, err := s.Commit(r.Context())
		if err != nil || copies < 2 {
			http.Error(w, "not yet safe, please try again", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ordered") // and tell the warehouse
	})
}

// Server-sent events: the session is committed at the first Flush, later changes when the handler says so.
func ExampleManager_Wrap_events() {
	http.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		if err := client.Set(s, "listening", true); err != nil {
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 10 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			if err := http.NewResponseController(w).Flush(); err != nil {
				return
			}
			if err := client.Set(s, "seen", i); err != nil {
				return
			}
			if _, err := s.Commit(r.Context()); err != nil {
				return
			}
		}
	})
}

// Pages carry the id in a cookie, the API in a header; the sessions are the same.
func ExampleManagerConfig_header() {
	c, err := client.Dial(context.Background(), client.Config{Nodes: []string{"127.0.0.1:7946"}})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	pages := client.NewManager(c, client.Cookie{Name: "sid"})
	api, err := client.ManagerConfig{Store: c, Header: "Authorization"}.Build()
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/", pages.Wrap(http.HandlerFunc(addToCart)))
	http.Handle("/api/", api.Wrap(http.HandlerFunc(addToCart)))
}

// A page that can do without its session waits 100 ms for it, an order through a failover.
func ExampleManager_WrapWith() {
	c, err := client.Dial(context.Background(), client.Config{Nodes: []string{"127.0.0.1:7946"}, Timeout: 10 * time.Second})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	sessions := client.NewManager(c, client.Cookie{Name: "sid"})
	news, cart := http.HandlerFunc(addToCart), http.HandlerFunc(addToCart)
	http.Handle("GET /news", sessions.WrapWith(client.Route{Timeout: 100 * time.Millisecond}, news))
	http.Handle("POST /cart", sessions.WrapWith(client.Route{Timeout: 10 * time.Second}, cart))
}

// Handlers that change what they got, as with many stores, and a deploy that changed a type.
func ExampleTracking() {
	sessions, err := client.ManagerConfig{
		Store:       clienttest.NewStore(), // a *client.Client, outside tests
		Tracking:    client.TrackGet,
		Undecodable: client.UndecodableQuarantine,
	}.Build()
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /cart", sessions.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := client.FromContext(r.Context())
		cart, err := client.Get[map[string]int](s, "cart")
		if err != nil {
			return
		}
		if cart == nil { // the first time
			if err := client.Set(s, "cart", map[string]int{r.FormValue("item"): 1}); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			return
		}
		cart[r.FormValue("item")]++ // saved, without a Set
	})))
}
