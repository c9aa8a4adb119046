// Package scsstore keeps the sessions of github.com/alexedwards/scs/v2 in a sessnode cluster.
//
//	c, err := client.Dial(ctx, client.Config{Nodes: []string{"127.0.0.1:7946"}, App: "shop"})
//	sessions := scs.New()
//	sessions.Store = scsstore.New(c)
//	http.ListenAndServe(addr, sessions.LoadAndSave(mux))
//
// What it guarantees: the first write of a token creates its session; a token that was deleted, by Destroy or
// RenewToken, stays dead, so a request that was under way during a logout cannot bring the session back: its Commit is
// replica.ErrDestroyed, which reaches SessionManager.ErrorFunc. A session's id
// is a digest of its token; the token itself is kept beside the value, for All.
//
// scs keeps a session as one value. Of two parallel requests that change it the later one wins whole, whatever store is
// behind it; package client merges by attribute.
//
// The cluster bounds how long a session lives, 24 hours by default: SessionManager.Lifetime must not be longer, or
// commits are replica.ErrTooLarge; and a session that goes on under one token for so long, ends.
//
// SessionManager.Iterate visits every session of the application, one load each. Give scs an application of its own: what
// others keep there has no token, and is left out.
//
// It owns nothing; close the client yourself.
package scsstore
