// Package clienttest tests handlers that use sessions without a cluster.
//
//	sessions := client.NewManager(clienttest.NewStore(), client.Cookie{Name: "sid"})
//	server := httptest.NewServer(sessions.Wrap(mux))
//
// Its [Store] runs the code that a node runs for one slot, alone: attributes merge, conditions and limits hold, sessions
// expire, a destroyed session stays destroyed and a commit that is sent again takes effect once, as they do in a cluster.
//
// A store of your own, say one that wraps another, is held to what [client.Store] promises by [TestStore]; the same suite
// runs over the client of a cluster, the embedded node and the Store here.
//
// The Store owns memory and nothing else: no socket, no goroutine, nothing to close. What it does not do: fail, move or lose
// anything. For that, wrap it in a [client.Store] of your own.
package clienttest
