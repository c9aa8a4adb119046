package client

// NewMemStore is the tests' store, for the examples.
func NewMemStore() Store { return newMemStore() }
