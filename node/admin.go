package node

import (
	"encoding/json"
	"fmt"

	"github.com/sessnode/sessnode/replica"
	"github.com/sessnode/sessnode/wire"
)

// answerMax bounds the document of an answer: it must fit a frame.
const answerMax = wire.FrameSizeMax - 1024

// administer carries an operator's command out and answers. A client key opens none.
func (n *Node) administer(s *source, c *wire.Conn, lane int, m *replica.AdminRequest) {
	reply := &replica.AdminReply{Token: m.Token, Status: replica.StatusForbidden}
	if s.peer.Administers() {
		doc, refused := n.command(m.Command, m.Argument)
		reply.Status, reply.Detail = refused.Status, refused.Detail
		if refused.Status == replica.StatusOK {
			reply.JSON = marshal(doc)
		}
		if len(reply.JSON) > answerMax {
			reply.JSON, reply.Status, reply.Detail = nil, replica.StatusTooLarge, "the answer does not fit one message"
		}
	}
	_ = n.queue(c, lane, reply) // an operator asks again
}

// command carries one command out: the answer, or why there is none.
func (n *Node) command(name, argument string) (doc any, refused replica.Result) {
	switch name {
	case "", "status":
		return n.status(), refused
	case "drain":
		n.startDraining()
		return n.status(), refused
	case "forget":
		return n.forget(argument)
	case "conflicts":
		return n.conflicts.describe(n.self.Name), refused
	case "slots":
		return n.slotList(argument)
	case "top":
		return n.topStatus(), refused
	}
	return nil, replica.Result{
		Status: replica.StatusBadRequest, Detail: fmt.Sprintf("no command %q here: is this node's version older?", name),
	}
}

func marshal(doc any) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic("node: BUG: an answer does not marshal: " + err.Error())
	}
	return b
}
