package client

import (
	"bufio"
	"maps"
	"net"
	"net/http"
)

// recorder is the ResponseWriter that handlers write to. It holds the response back until the session is committed, so
// that nobody sees a page whose session can be lost. Like every ResponseWriter it is for one goroutine at a time.
type recorder struct {
	w       http.ResponseWriter
	r       *http.Request
	session *Session

	before http.Header // what the response's headers were before the handler
	status int         // zero: not said yet
	buffer *[]byte     // from the manager's pool; nil when given back

	released bool  // the commit is over, well or not
	err      error // why the hook answered instead; everything the handler writes is dropped. Only when released.
}

func newRecorder(w http.ResponseWriter, r *http.Request, s *Session) *recorder {
	return &recorder{w: w, r: r, session: s, before: w.Header().Clone(), buffer: s.manager.buffers.Get().(*[]byte)}
}

// Header is the response's header.
func (rec *recorder) Header() http.Header { return rec.w.Header() }

// WriteHeader notes the status. Informational ones go out at once; switching protocols ends the buffering.
func (rec *recorder) WriteHeader(status int) {
	switch {
	case rec.err != nil:
	case rec.released:
		rec.w.WriteHeader(status)
	case status < 200 && status != http.StatusSwitchingProtocols:
		rec.w.WriteHeader(status)
	case rec.status == 0:
		rec.status = status
		if status == http.StatusSwitchingProtocols {
			_ = rec.release() // WriteHeader has no way to say no; the hook has answered
		}
	}
}

// Write buffers p, or commits and passes it on when the buffer would outgrow its limit. After a commit that failed it
// returns that error.
func (rec *recorder) Write(p []byte) (int, error) {
	if !rec.released && len(*rec.buffer)+len(p) <= rec.session.manager.bufferBytesMax {
		*rec.buffer = append(*rec.buffer, p...)
		if rec.status == 0 {
			rec.status = http.StatusOK
		}
		return len(p), nil
	}
	if err := rec.release(); err != nil {
		return 0, err
	}
	return rec.w.Write(p)
}

// FlushError commits, then sends what was written so far; [http.ResponseController] calls it.
func (rec *recorder) FlushError() error {
	if err := rec.release(); err != nil {
		return err
	}
	return http.NewResponseController(rec.w).Flush()
}

// Flush is FlushError for those who ask for an [http.Flusher].
func (rec *recorder) Flush() { _ = rec.FlushError() } // the interface has no error

// Hijack commits, then hands over the connection. A cookie for a new session is in Header(), for the caller to send.
func (rec *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := rec.commit(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(rec.w).Hijack()
}

// Unwrap is for [http.ResponseController]: deadlines and full duplex are the server's business.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.w }

// release commits and lets out what was held back. Once is enough.
func (rec *recorder) release() error {
	if rec.released {
		return rec.err
	}
	if err := rec.commit(); err != nil {
		return err
	}
	if rec.status != 0 {
		rec.w.WriteHeader(rec.status)
	}
	if len(*rec.buffer) == 0 {
		return nil
	}
	_, err := rec.w.Write(*rec.buffer)
	return err
}

// commit commits the session and sets the cookie, or lets the error hook answer.
func (rec *recorder) commit() error {
	if rec.released {
		return rec.err
	}
	rec.released = true
	m, s := rec.session.manager, rec.session
	done, err := m.save(rec.r, s)
	s.enter(phaseStarted)
	m.hint(rec.w.Header(), rec.r, s)
	if err != nil {
		rec.err = err
		rec.restoreHeader()
	} else if s.used() {
		rec.w.Header().Add("Vary", "Cookie")
	}
	switch {
	case done.created != "":
		m.cookie.set(rec.w.Header(), rec.r, done.created)
	case done.destroyed:
		m.cookie.expire(rec.w.Header(), rec.r)
	}
	if err != nil {
		m.onError(rec.w, rec.r, err)
	}
	return err
}

// finish ends the request after the handler returned: it releases the response, or commits what was changed since.
func (rec *recorder) finish() {
	if !rec.released {
		_ = rec.release() // the hook has answered, or the visitor hung up
		return
	}
	if rec.err != nil {
		return
	}
	m := rec.session.manager
	if _, err := m.save(rec.r, rec.session); err != nil {
		m.log.Error("session changed after the response started is not saved",
			"method", rec.r.Method, "path", rec.r.URL.Path, "error", err)
	}
}

// close gives the buffer back. After a panic nothing was committed: the headers are as the handler found them, for
// whoever recovers and answers.
func (rec *recorder) close() {
	rec.session.enter(phaseOver)
	if !rec.released {
		rec.released = true
		rec.err = ErrResponseStarted
		rec.restoreHeader()
	}
	buffer := rec.buffer
	rec.buffer = nil
	*buffer = (*buffer)[:0]
	rec.session.manager.buffers.Put(buffer)
}

func (rec *recorder) restoreHeader() {
	h := rec.w.Header()
	clear(h)
	maps.Copy(h, rec.before)
}
