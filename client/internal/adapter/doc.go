// Package adapter is what the adapters to other session libraries have in common: a [Target], which says where their
// sessions are kept, and values under tokens that another library chose.
//
// It guarantees what those libraries expect of a store, that the first write creates, without giving up what sessnode
// promises: a token whose session was destroyed stays dead, and every write to it is an error.
//
// It owns nothing. What it does not do: cookies, encoding, or listing sessions.
package adapter
