//go:build !linux

package lab

import "fmt"

// NewNamespaced returns ErrUnsupported here: network namespaces are Linux's.
func NewNamespaced() (*Lab, error) {
	return nil, fmt.Errorf("%w: network namespaces need Linux: use the switch instead", ErrUnsupported)
}

// Clean finds nothing here: only labs of namespaces can leave anything.
func Clean() (removed []string, err error) { return nil, nil }
