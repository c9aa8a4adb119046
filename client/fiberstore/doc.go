// Package fiberstore keeps the sessions of github.com/gofiber/fiber in a sessnode cluster.
//
//	c, err := client.Dial(ctx, client.Config{Nodes: []string{"127.0.0.1:7946"}, App: "shop"})
//	app.Use(session.New(session.Config{Storage: fiberstore.New(c)}))
//
// Its [Storage] has the methods of fiber.Storage of version 3, and so those of version 2 and of the drivers in
// github.com/gofiber/storage, without importing any of them.
//
// What it guarantees: the first write of a key creates its session; a key that was deleted, by Destroy, Reset or
// Regenerate of a fiber session, stays dead, so a request that was under way during a logout cannot bring the session
// back: its write is replica.ErrDestroyed, in the application's log. A session's id is a digest
// of its key; the key itself is kept beside the value.
//
// This makes it a storage for sessions and other things whose keys are made once: fiber's cache, which deletes a key and
// writes it again, needs another one. fiber keeps a session as one value: of two parallel requests that change it the
// later one wins whole; package client merges by attribute.
//
// The cluster bounds how long a key lives, 24 hours by default. An expiration of zero means as long as that; a longer one
// is replica.ErrTooLarge; and a key that is written again and again for so long, ends.
//
// Reset ends every session of the application: give fiber one of its own.
//
// It owns nothing; close the client yourself.
package fiberstore
