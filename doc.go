// Package sessnode is the root of the module and holds no code: its tests check how the packages below it fit together.
// Applications import [github.com/sessnode/sessnode/client], or [github.com/sessnode/sessnode/node] to embed a node;
// operators run cmd/sessnode.
package sessnode
