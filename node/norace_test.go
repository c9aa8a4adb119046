//go:build !race

package node_test

const underRace = false

const longBubble = "" // see race_test.go
