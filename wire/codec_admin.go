package wire

import "github.com/sessnode/sessnode/replica"

// What stands behind the token of an AdminRequest and behind the document of an AdminReply came later: before, there was
// nothing to ask for but the status. A frame that ends there is one of that time.

func appendAdminRequest(b []byte, m *replica.AdminRequest) []byte {
	return appendText(appendText(appendUvarint(b, m.Token), m.Command), m.Argument)
}

func readAdminRequest(r *reader) *replica.AdminRequest {
	m := &replica.AdminRequest{Token: r.uvarint("token")}
	if len(r.rest) > 0 {
		m.Command, m.Argument = r.text("command"), r.text("argument")
	}
	return m
}

func appendAdminReply(b []byte, m *replica.AdminReply) []byte {
	b = appendBytes(appendUvarint(b, m.Token), m.JSON)
	return appendText(append(b, byte(m.Status)), m.Detail)
}

func readAdminReply(r *reader) *replica.AdminReply {
	m := &replica.AdminReply{Token: r.uvarint("token"), JSON: r.bytes("json")}
	if len(r.rest) > 0 {
		m.Status, m.Detail = replica.Status(r.byte("status")), r.text("detail")
	}
	return m
}
