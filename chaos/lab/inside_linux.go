package lab

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/vishvananda/netns"
)

// inside calls do on a thread that is in a network namespace meanwhile. The thread goes back afterwards, and lives on: what
// it started must not die with it.
func inside(ns netns.NsHandle, do func() error) error {
	return onThread(func() error {
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return do()
	})
}

// onThread calls do on a goroutine with a thread of its own, which do may leave in another network namespace. A thread that
// cannot return from there ends, and with it, as do's error says, what it started.
func onThread(do func() error) error {
	result := make(chan error, 1)
	go func() { // ends with do, which the caller waits for
		runtime.LockOSThread()
		home, err := netns.Get()
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		err = do()
		back := netns.Set(home)
		if back == nil {
			runtime.UnlockOSThread()
		} else {
			back = fmt.Errorf("leave network namespace: %w", back)
		}
		result <- errors.Join(err, back, home.Close())
	}()
	return <-result
}
