// Package control is the line between a lab that somebody keeps up and the commands that act on it: a Unix socket in a directory
// that belongs to one user, over which a request and its answer go as one line each.
//
// What it guarantees: one lab of a name at a time, for each user; a lab that died is detected by the lock that died with it, and the
// next one of its name removes what it left, as [Clean] does. Every line has a limit, and every wait ends. Nobody but the user, and
// root, can ask.
//
// What it owns: the files NAME.lock and NAME.sock in the directory that [Dir] names, the goroutines that serve requests, and what a lab
// says that it will leave; all gone when [Line.Close] returns.
//
// What it does not do: know what is asked.
package control
