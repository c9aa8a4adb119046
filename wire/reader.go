package wire

import (
	"errors"
	"io"
)

// Sizes of a frame reader's buffer, in bytes. It starts small, as most of a node's lanes are idle; it doubles when a read
// fills it; beyond readerBatch it grows only for a larger frame, and shrinks again after it.
const (
	readerStart = 4 << 10
	readerBatch = 64 << 10
)

// frameReader cuts a stream into frames. It belongs to one goroutine.
type frameReader struct {
	src    io.Reader
	max    int    // bytes of one frame's payload
	buf    []byte // buf[start:end] has been read but not handed out
	start  int    // Invariant: 0 <= start <= end <= len(buf)
	end    int
	frames []Frame // reused for every batch
}

func newFrameReader(src io.Reader, max int) *frameReader {
	return &frameReader{src: src, max: max, buf: make([]byte, readerStart)}
}

// next returns all whole frames that have arrived, at least one unless there is an error. They alias the reader's
// buffer and are valid until the next call. What was whole before an error comes first, the error at the next call.
func (r *frameReader) next() ([]Frame, error) {
	for {
		if err := r.parse(); len(r.frames) > 0 || err != nil {
			return r.frames, err
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// parse cuts off the whole frames in the buffer.
func (r *frameReader) parse() error {
	r.frames = r.frames[:0]
	rest := r.buf[r.start:r.end]
	for {
		f, after, err := ParseFrame(rest, r.max)
		if errors.Is(err, ErrFrameShort) || err != nil && len(r.frames) > 0 {
			break
		}
		if err != nil {
			return err
		}
		r.frames = append(r.frames, f)
		rest = after
	}
	r.start = r.end - len(rest)
	return nil
}

// fill reads once, after making room.
func (r *frameReader) fill() error {
	r.makeRoom()
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error will come again
	}
	if err == io.EOF && r.start < r.end {
		return io.ErrUnexpectedEOF
	}
	return err
}

// makeRoom moves what is left to the front, in a buffer of fitting size. Memory follows what has arrived, never what a
// frame declares.
func (r *frameReader) makeRoom() {
	left := r.end - r.start
	size := len(r.buf)
	switch {
	case left == 0 && size > readerBatch:
		size = readerBatch
	case left == size, r.end == size && size < readerBatch:
		size *= 2
	}
	to := r.buf
	if size != len(r.buf) {
		to = make([]byte, size)
	} else if r.start == 0 {
		return // a large frame that arrives in pieces stays where it is
	}
	copy(to, r.buf[r.start:r.end])
	r.buf, r.start, r.end = to, 0, left
}
