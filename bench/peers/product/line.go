package product

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// answerLimit is how long an answer may take.
const answerLimit = 10 * time.Second

// idleLimit is how long a connection may lie idle: Tomcat closes it after 20 seconds.
const idleLimit = 10 * time.Second

// line is a connection to an HTTP/1.1 server that is kept open. It speaks what the two servers that are compared speak, and
// takes far less of the processors, which it shares with them, than net/http's client would.
type line struct {
	conn net.Conn
	used time.Time // when the last request was sent
	in   *bufio.Reader
	out  []byte
	body []byte
}

func (l *line) connect(addr string) (err error) {
	if l.conn != nil && time.Since(l.used) > idleLimit {
		l.drop()
	}
	l.used = time.Now()
	if l.conn != nil {
		return nil
	}
	if l.conn, err = net.Dial("tcp", addr); err == nil {
		l.in = bufio.NewReader(l.conn)
	}
	return err
}

// drop closes a connection of which nobody knows what comes next.
func (l *line) drop() {
	_ = l.conn.Close() // it is given up
	l.conn = nil
}

func (l *line) send(s Site, op, value, id, route string) error {
	b := append(l.out[:0], "GET "...)
	b = append(append(b, s.Path...), "?op="...)
	b = append(append(append(b, op...), "&v="...), value...)
	b = append(append(b, " HTTP/1.1\r\nHost: "...), l.conn.RemoteAddr().String()...)
	if id != "" {
		b = append(append(append(append(b, "\r\nCookie: "...), s.Cookie...), '='), id...)
		if route != "" {
			b = append(append(append(append(b, "; "...), s.RouteCookie...), "=node-"...), route...)
		}
	}
	l.out = append(b, "\r\n\r\n"...)
	if err := l.conn.SetDeadline(l.used.Add(answerLimit)); err != nil {
		return err
	}
	if _, err := l.conn.Write(l.out); err != nil {
		l.drop()
		return err
	}
	return nil
}

// receive reads an answer: cookies are told, the body is good until the next call.
func (l *line) receive(cookie func(name, value string)) ([]byte, error) {
	body, err := l.read(cookie)
	if err != nil && l.conn != nil {
		l.drop()
	}
	return body, err
}

func (l *line) read(cookie func(name, value string)) ([]byte, error) {
	status, err := l.header()
	if err != nil {
		return nil, err
	}
	ok := bytes.Contains(status, []byte(" 200"))
	said := string(status)
	length, chunked, last := 0, false, false
	for {
		h, err := l.header()
		if err != nil {
			return nil, err
		}
		if len(h) == 0 {
			break
		}
		name, value, _ := bytes.Cut(h, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")):
			last = bytes.EqualFold(value, []byte("close")) // as Tomcat does after a hundred requests
		case bytes.EqualFold(name, []byte("Set-Cookie")):
			name, value, _ := strings.Cut(string(value), "=")
			value, _, _ = strings.Cut(value, ";")
			cookie(name, value)
		}
		if err != nil {
			return nil, err
		}
	}
	if chunked {
		return nil, errors.New("an answer in chunks: " + said)
	}
	l.body = append(l.body[:0], make([]byte, length)...)
	if _, err := io.ReadFull(l.in, l.body); err != nil {
		return nil, err
	}
	if last {
		l.drop()
	}
	if !ok {
		return nil, fmt.Errorf("%s: %.300s", said, l.body)
	}
	return bytes.TrimSpace(l.body), nil
}

func (l *line) header() ([]byte, error) {
	h, err := l.in.ReadSlice('\n')
	return bytes.TrimRight(h, "\r\n"), err
}
