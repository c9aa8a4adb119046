package product

import (
	"fmt"

	"github.com/sessnode/sessnode/bench/peers/load"
)

// Open makes the product that a setup names, as package load wants it.
func Open(s load.Setup) (load.Product, error) {
	switch s.Product {
	case "remote":
		return openRemote(s)
	case "embedded":
		return openEmbedded(s)
	case "redis":
		return openRedis(s)
	case "olric":
		return openOlric(s)
	case "http", "tomcat":
		return openWeb(s)
	}
	return nil, fmt.Errorf("unknown product %q", s.Product)
}

// nowhere is the Home of products whose nodes are other processes.
type nowhere struct{}

// Home implements load.Product.
func (nowhere) Home(string) int { return -1 }
