package node

import (
	"slices"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// conns are the connections to the other members, of each the newest last, over which messages go. Two members have one, and for
// a moment another: who looks for a run of before at an address that has a new one finds out only when both have greeted.
type conns map[replica.Boot][]*wire.Conn

// to is the connection over which messages to a member go; nil: there is none.
func (cs conns) to(boot replica.Boot) *wire.Conn {
	if all := cs[boot]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

func (cs conns) add(boot replica.Boot, c *wire.Conn) { cs[boot] = append(cs[boot], c) }

// remove forgets a connection that has ended and reports whether messages went over it.
func (cs conns) remove(boot replica.Boot, c *wire.Conn) (used bool) {
	used = cs.to(boot) == c
	if cs[boot] = slices.DeleteFunc(cs[boot], func(other *wire.Conn) bool { return other == c }); len(cs[boot]) == 0 {
		delete(cs, boot)
	}
	return used
}
