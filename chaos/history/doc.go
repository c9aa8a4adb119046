// Package history is what one chaos run recorded: every operation as its client saw it, the faults that were made, who
// could reach whom and when, the conflicts that the nodes listed, and what was read at the end.
//
// A [Recorder] collects it while the run goes on, [History.Save] writes it as JSON lines, [ReadAll] reads it back, so that it can
// be judged again later by other checkers.
//
// What it guarantees: an operation is in the history before it is sent, or it must not be sent; its interval, from
// Invoked to Returned, contains the moment at which it took effect, if it was answered; what was not answered is there
// with an unknown outcome. A history that was cut off, by a full disk or a killed program, is not read as a whole one.
//
// What it owns: memory up to the recorder's limit. What it does not do: judge (package chaos/check), look at a clock, open
// files, or know anything of the store; sessions, nodes and clients are names to it.
package history
