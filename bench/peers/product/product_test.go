package product

import (
	"net"
	"testing"

	"github.com/sessnode/sessnode/bench/peers/load"
)

func TestEncoding(t *testing.T) {
	session := encode(load.Cart, 7)
	if got, err := decode(session); got != 7 || err != nil {
		t.Errorf("version %d, %v", got, err)
	}
	change(load.Cart, session, 8)
	if got, err := decode(session); got != 8 || err != nil {
		t.Errorf("after a change version %d, %v", got, err)
	}
	if _, err := decode(nil); err == nil {
		t.Error("an empty session has a version")
	}
	if got := find(session[:3000]); got != nil {
		t.Error("a session that is cut has a version")
	}
}

// dropped is among the cookies when the client gave the connection up.
const dropped = "(dropped)"

// answer is what a server says next, on a connection that the test holds the other end of.
func answer(t *testing.T, text string) ([]byte, map[string]string, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var l line
	if err := l.connect(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	mine := l.conn
	defer mine.Close()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte(text)) // the client sees it if it fails
	_ = conn.Close()
	cookies := map[string]string{}
	body, err := l.receive(func(name, value string) { cookies[name] = value })
	if l.conn == nil {
		cookies[dropped] = "yes"
	}
	return body, cookies, err
}

func TestLineReadsAnswers(t *testing.T) {
	body, cookies, err := answer(t, "HTTP/1.1 200 OK\r\nSet-Cookie: sid=abc; Path=/\r\nset-cookie: route=node-02\r\ncontent-length: 3\r\n\r\n42\n")
	if string(body) != "42" || err != nil || cookies["sid"] != "abc" || cookies["route"] != "node-02" || cookies[dropped] != "" {
		t.Errorf("body %q, cookies %v, %v", body, cookies, err)
	}
	body, cookies, err = answer(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n7")
	if string(body) != "7" || err != nil || cookies[dropped] == "" {
		t.Errorf("the last answer of a connection: %q, %v, dropped: %q", body, err, cookies[dropped])
	}
	for name, text := range map[string]string{
		"refused":   "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno",
		"in chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
		"cut":       "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nno",
	} {
		if body, _, err := answer(t, text); err == nil {
			t.Errorf("%s: read %q", name, body)
		}
	}
}

func TestServerOfAName(t *testing.T) {
	c := &webCaller{lines: make([]line, 3)}
	for name, want := range map[string]int{"node-02": 1, "ABC123.tomcat-3": 2, "tomcat-1": 0} {
		if got := c.server(name); got != want {
			t.Errorf("%s is server %d, want %d", name, got, want)
		}
	}
}
