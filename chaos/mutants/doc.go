// Command mutants shows that the replay of the protocol and the chaos lab find what they are there to find. It takes one
// rule of the protocol out at a time, runs the tests, and fails when nothing is found. The product has no switches for
// that: a mutant is an edit of its source, which the Go tool lays over the files as it builds.
//
// Each file in testdata is one mutant, named for it: lines of the form "Key: value", an empty line, and edits.
//
//	Rule: what is taken out, as a rule that holds otherwise
//	Guarantee: the one of docs/ARCHITECTURE.md that rests on it
//	Lab: 4s kill primary 3s
//	Trial: TestSparedBackupTakesOver
//
//	--- failover/serve.go
//	 a line that stays
//	-a line that goes
//	+a line that comes
//
// "---" names a file and begins an edit; the lines that stay or go must be in it exactly once. A mutant with lines "Lab" is
// also shown to the lab: each is a fault, as docs/CHAOS.md says. A line "Trial" names a test of the replay's world, for what a
// thousand seeds may not come to.
//
// It decides nothing about the protocol and changes no file.
package main
