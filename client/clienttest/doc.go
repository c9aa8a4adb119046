// Package clienttest tests handlers that use sessions without a cluster.
//
//	sessions := client.NewManager(clienttest.NewStore(), client.Cookie{Name: "sid"})
//	server := httptest.NewServer(sessions.Wrap(mux))
//
// Its [Store] runs the code that a node runs for one slot, alone: attributes merge, conditions and limits hold, sessions
// expire, a destroyed session stays destroyed and a commit that is sent again takes effect once, as they do in a cluster.
//
// It owns memory and nothing else: no socket, no goroutine, nothing to close. What it does not do: fail, move or lose
// anything. For that, wrap it in a [client.Store] of your own.
package clienttest
