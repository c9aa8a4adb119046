package client

import (
	"bufio"
	"io"
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
	if !rec.released && bodiless(rec.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if !rec.released && len(p) <= rec.room() {
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

// ReadFrom is Write until r ends. What is longer than the buffer goes from r to the server without a detour, so that
// files are sent by the system.
func (rec *recorder) ReadFrom(r io.Reader) (n int64, err error) {
	if !rec.released {
		room := int64(rec.room())
		n, err = io.Copy(struct{ io.Writer }{rec}, io.LimitReader(r, room))
		if err != nil || n < room {
			return n, err
		}
	}
	if err := rec.release(); err != nil {
		return n, err
	}
	rest, err := io.Copy(rec.w, r)
	return n + rest, err
}

// room is how many bytes the buffer can take.
func (rec *recorder) room() int { return max(0, rec.session.manager.bufferBytesMax-len(*rec.buffer)) }

// bodiless reports whether a response with a status has no body.
func bodiless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
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
	err := m.save(rec.r, s)
	s.enter(phaseStarted)
	m.hint(rec.w.Header(), rec.r, s)
	if err != nil {
		rec.err = err
		rec.restoreHeader()
	}
	rec.tell()
	if err != nil {
		s.answerError(rec.w, rec.r, err)
	}
	return err
}

// tell writes into the headers what the browser, and caches on the way to it, must learn of the session.
func (rec *recorder) tell() {
	news, used := rec.session.takeNews()
	m, h := rec.session.manager, rec.w.Header()
	if used {
		h.Add("Vary", m.vary())
	}
	m.tell(h, rec.r, news)
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
	if err := m.save(rec.r, rec.session); err != nil {
		m.log.Error("session changed after the response started is not saved",
			"method", rec.r.Method, "path", rec.r.URL.Path, "error", err)
	}
}

// close gives the buffer back. After a panic nothing more is committed: the headers are as the handler found them, for
// whoever recovers and answers, but for what the browser must learn of commits that were made before.
func (rec *recorder) close() {
	rec.session.enter(phaseOver)
	if !rec.released {
		rec.released = true
		rec.err = ErrResponseStarted
		rec.restoreHeader()
		rec.tell()
	}
	rec.session.unlock(rec.r.Context())
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
