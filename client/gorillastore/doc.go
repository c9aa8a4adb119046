// Package gorillastore keeps the sessions of github.com/gorilla/sessions in a sessnode cluster.
//
//	c, err := client.Dial(ctx, client.Config{Nodes: []string{"127.0.0.1:7946"}, App: "shop"})
//	store := gorillastore.New(c)
//
//	func handler(w http.ResponseWriter, r *http.Request) {
//		session, err := store.Get(r, "cart")
//		session.Values["items"] = 3
//		err = session.Save(r, w)
//	}
//
// The cookie carries the session's random id and nothing else, so there is no key to sign with. An id that a browser made
// up never becomes a session, and neither does that of a session with another name.
//
// Each entry of Session.Values is an attribute of its own, encoded by encoding/gob: types of your own are registered
// with gob.Register, as for any store of gorilla's. What it guarantees: the first Save creates the session; Save sends
// what this request changed, so parallel requests that change different values both win; a Save of a session that was
// destroyed or has expired meanwhile is replica.ErrDestroyed or replica.ErrNotFound and changes nothing.
//
// Options.MaxAge below zero makes Save destroy the session for good. Above zero it is how long session and cookie live,
// counted from the last Save; zero is a cookie until the browser ends and a session for as long as the cluster allows.
// The cluster's limit, 24 hours by default, counts from the session's beginning; a MaxAge beyond it is
// replica.ErrTooLarge.
//
// A handler that clears Session.ID, at a login, has Save renew it: the session goes on under a new id, and the old one is
// dead in the same moment.
//
// It owns nothing; close the client yourself. What it does not do: encrypt, or read what other stores of gorilla's wrote.
package gorillastore
