// Package client is the library that web applications embed: sessions in handlers, kept by a sessnode cluster.
//
//	c, err := client.Dial(ctx, client.Config{Nodes: []string{"127.0.0.1:7946"}, App: "shop"})
//	sessions := client.NewManager(c, client.Cookie{Name: "sid"}) // secure defaults
//	http.ListenAndServe(addr, sessions.Wrap(mux))
//
//	func addToCart(w http.ResponseWriter, r *http.Request) {
//		s := client.FromContext(r.Context())
//		n, err := client.Get[int](s, "items")
//		err = client.Set(s, "items", n+1)
//	}
//
// It has two halves that know of each other by [Store] alone. A [Manager] is the middleware: it reads the cookie, loads
// the session at its first use, buffers what the handler changes, and commits that before the first byte of the
// response leaves. A [Client] is the store over the network: it learns who holds which slot from any node, sends each
// request straight to the slot's primary, and follows when the primary moves or dies.
//
// docs/HANDLERS.md in the repository is the guide: logins, messages, parallel requests, long responses, APIs, errors.
//
// What it guarantees: nobody sees a response whose session could be lost, because a response waits for its commit and is
// replaced by the error hook's when the commit fails; a commit travels as the attributes that changed, so parallel
// requests that change different ones both win, and nothing comes between what a [Session.Update] reads and writes; a
// retried commit takes effect once; a session that somebody destroyed is never brought back, and an id that a browser
// made up never becomes a session; a node of another cluster is asked nothing, unless that cluster has taken the place
// of the one known; every wait ends.
//
// What it owns: one UDP socket, connections to the members that it asked something, and the goroutines that serve
// them, all gone when [Client.Close] returns. A Manager owns nothing that needs closing.
//
// What it does not do: answer from what it kept without asking the session's primary, or decide where sessions live.
package client
