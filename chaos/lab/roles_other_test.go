//go:build !linux

package lab

// roles is what processes started by tests do.
var roles map[string]func()
