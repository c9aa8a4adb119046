// Peers measures sessnode beside what a user would pick instead: the same work, on the same machine, in one run. `make bench`
// at the root of the repository builds and runs it. It is a module of its own, so that nobody who uses sessnode gets the
// others' libraries.
package main
