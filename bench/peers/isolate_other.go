//go:build !linux

package main

// isolate does nothing where there are no network namespaces.
func isolate() (alone bool, note string, code int) {
	return true, "processor times, bytes and resident memory are measured on Linux only", 0
}
