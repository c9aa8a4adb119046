package wire

import (
	"context"
	"fmt"
	"io"

	"github.com/quic-go/quic-go"
)

// bulkBatch is how many bytes a BulkWriter gathers before it writes.
const bulkBatch = 64 << 10

// BulkWriter is a stream of frames in one direction, for what is large and need not overtake anything: snapshots. It
// belongs to one goroutine at a time.
type BulkWriter struct {
	stream   *quic.SendStream
	frameMax int
	buf      []byte      // frames not yet written
	release  func() bool // stops watching the context that OpenBulk was given
	closed   bool        // Close has ended the stream
}

// OpenBulk opens a bulk stream to the peer. It waits while BulkStreamsMax are open. ctx governs the whole life of the
// stream: when it is done, the stream is cut off and the peer's reader gets an error. The caller must call Close or
// Cancel.
func (c *Conn) OpenBulk(ctx context.Context) (*BulkWriter, error) {
	s, err := c.quic.OpenUniStreamSync(ctx)
	if err != nil {
		return nil, explain(err)
	}
	w := &BulkWriter{stream: s, frameMax: c.endpoint.conf.FrameSizeMax}
	w.buf = append(w.buf, header{kind: kindBulk}.encode()...)
	w.release = context.AfterFunc(ctx, func() { s.CancelWrite(streamRefused) })
	return w, nil
}

// Send appends m's frame. It blocks, as long as the context of OpenBulk allows, once more has gathered than the peer and
// the network take. The error is ErrFrameTooLarge, after which the stream goes on, or says why the stream has ended.
func (w *BulkWriter) Send(m Appender) error {
	before := len(w.buf)
	w.buf = m.AppendFrame(w.buf)
	if sizeBytes := len(w.buf) - before; sizeBytes > w.frameMax+frameHeaderMax {
		w.buf = w.buf[:before]
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrFrameTooLarge, sizeBytes, w.frameMax)
	}
	if len(w.buf) < bulkBatch {
		return nil
	}
	return w.Flush()
}

// Flush writes what Send has gathered. It blocks like Send.
func (w *BulkWriter) Flush() error {
	_, err := w.stream.Write(w.buf)
	w.buf = w.buf[:0]
	if err != nil {
		return fmt.Errorf("write bulk stream: %w", explain(err))
	}
	return nil
}

// Close flushes and ends the stream: the reader gets io.EOF after the last frame. A nil error means that all was handed
// to the connection, not that it has arrived.
func (w *BulkWriter) Close() error {
	if err := w.Flush(); err != nil {
		w.Cancel()
		return err
	}
	w.release()
	w.closed = true
	return w.stream.Close()
}

// Cancel cuts the stream off; the peer's reader gets an error. After Close it does nothing.
func (w *BulkWriter) Cancel() {
	if w.closed {
		return
	}
	w.release()
	w.stream.CancelWrite(streamRefused)
}

// BulkReader is the other end of a BulkWriter. It belongs to the goroutine that Handler.Bulk is called on.
type BulkReader struct {
	frames *frameReader
	batch  []Frame // not yet handed out
}

// Next returns the next frame, valid until the following call; it blocks until there is one. io.EOF after the last
// frame of a stream that was closed; any other error means that the stream was cut off or broken.
func (r *BulkReader) Next() (Frame, error) {
	if len(r.batch) == 0 {
		batch, err := r.frames.next()
		if err == io.EOF {
			return Frame{}, io.EOF
		}
		if err != nil {
			return Frame{}, fmt.Errorf("read bulk stream: %w", explain(err))
		}
		r.batch = batch
	}
	f := r.batch[0]
	r.batch = r.batch[1:]
	return f, nil
}
