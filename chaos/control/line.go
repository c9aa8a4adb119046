package control

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of a line.
const (
	requestMax   = 64 << 10 // bytes
	answerMax    = 1 << 20  // bytes
	askersMax    = 16       // at a time; others wait
	requestLimit = 5 * time.Second
	acceptPause  = 50 * time.Millisecond
	lockTries    = 10
	lockPause    = 5 * time.Millisecond
	// AnswerLimit is how long an answer may take.
	AnswerLimit = 90 * time.Second
)

// Line is the lab's end. The one who got it must Close it.
type Line struct {
	socket string
	lock   *os.File
	listen net.Listener
	served sync.WaitGroup
}

// Listen opens the line of a lab, and removes what another of that name left which died. ErrTaken: one runs. ErrName: it
// cannot be called so.
func Listen(dir, name string) (*Line, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	held, err := take(dir, name)
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", name, err)
	}
	l := &Line{socket: filepath.Join(dir, name+socketSuffix), lock: held}
	if _, err = clearUp(held, l.socket); err == nil {
		l.listen, err = net.Listen("unix", l.socket)
	}
	if err == nil {
		err = os.Chmod(l.socket, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the lab's socket: %w", err), l.Close())
	}
	return l, nil
}

// take takes a lab's lock.
func take(dir, name string) (held *os.File, err error) {
	for range lockTries {
		held, err = lock(filepath.Join(dir, name+lockSuffix), os.O_CREATE)
		switch {
		case errors.Is(err, ErrTaken): // or somebody just looks whether it is
			<-time.After(lockPause)
		case errors.Is(err, fs.ErrNotExist): // the last lab to end has removed the directory
			if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
		default:
			return held, err
		}
	}
	return held, err
}

// Serve answers requests, several at a time, until Close. The handler gets a line without its end and returns one, of at most
// 1 MiB; its context ends when the answer would come too late.
func (l *Line) Serve(handle func(ctx context.Context, request []byte) []byte) {
	room := make(chan struct{}, askersMax)
	l.served.Go(func() { // ends when the listener is closed
		for {
			conn, err := l.listen.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // too many open files, say
				<-time.After(acceptPause)
				continue
			}
			room <- struct{}{}
			l.served.Go(func() { // ends with its answer
				defer func() { <-room }()
				defer conn.Close()
				answer(conn, handle)
			})
		}
	})
}

// answer serves one request. Who asks too much, too slowly or hangs up gets none.
func answer(conn net.Conn, handle func(context.Context, []byte) []byte) {
	if err := conn.SetDeadline(time.Now().Add(requestLimit)); err != nil {
		return
	}
	request, err := readLine(conn, requestMax)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), AnswerLimit)
	defer cancel()
	said := handle(ctx, request)
	if err := conn.SetDeadline(time.Now().Add(requestLimit)); err != nil {
		return
	}
	_, _ = conn.Write(append(said, '\n')) // whoever asked has gone, then
}

// errLong refuses a line.
var errLong = errors.New("the line is too long")

// readLine reads one line without its end.
func readLine(r io.Reader, bytesMax int64) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, bytesMax)).ReadBytes('\n')
	if errors.Is(err, io.EOF) && int64(len(line)) == bytesMax {
		return nil, fmt.Errorf("%w: more than %d bytes", errLong, bytesMax)
	}
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line, []byte("\n")), nil
}

// Close ends the line when the requests under way are answered, and removes its files, and the directory if they were the last.
// What the lab said that it leaves it has to remove before.
func (l *Line) Close() error {
	var errs []error
	if l.listen != nil {
		errs = append(errs, l.listen.Close()) // which removes the socket
	}
	l.served.Wait()
	errs = append(errs, os.Remove(l.lock.Name()), l.lock.Close()) // in this order: nobody else has the lock yet
	_ = os.Remove(filepath.Dir(l.socket))                         // fails while another lab has files there
	return errors.Join(errs...)
}

// Ask sends a request, one line without its end, to a lab, and returns the answer. ErrNoLab: it does not run; the text says
// which do.
func Ask(ctx context.Context, dir, name string, request []byte) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(request) >= requestMax {
		return nil, fmt.Errorf("%w: a request has at most %d bytes", errLong, requestMax-1)
	}
	ctx, cancel := context.WithTimeout(ctx, AnswerLimit+requestLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, name+socketSuffix))
	if err != nil {
		return nil, noLab(dir, name, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })() // so that no wait outlives ctx
	if _, err = conn.Write(append(request[:len(request):len(request)], '\n')); err != nil {
		return nil, err
	}
	said, err := readLine(conn, answerMax)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the lab gave no answer: %w", context.Cause(ctx))
	case errors.Is(err, io.EOF):
		return nil, errors.New("the lab has ended before it answered")
	}
	return said, err
}

// noLab says which labs there are instead.
func noLab(dir, name string, why error) error {
	names, err := Running(dir)
	switch {
	case err != nil:
		return errors.Join(why, err)
	case slices.Contains(names, name):
		return fmt.Errorf("%w yet, or no more: %w: try again", ErrNoLab, why)
	case len(names) == 0:
		_ = os.Remove(dir) // fails if it holds anything
		return fmt.Errorf("%w: start one with 'sessnode chaos lab', as the same user", ErrNoLab)
	}
	return fmt.Errorf("%w by the name of %s; these are: %s; name one with -lab", ErrNoLab, name, strings.Join(names, ", "))
}
