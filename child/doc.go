// Package child runs other commands of a sessnode binary as processes of their own, for the demo and for measurements. It
// starts them, kills, stops and ends them by their ids alone, and sees to it that none outlives the parent.
//
// Each running child has one goroutine, which waits for its end; [Process.Kill] and [Process.Terminate] join it.
package child
