package load

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// Board is the newest acknowledged version of every session, shared by processes. Of each word the two lowest bits say
// that a request is under way, and that one failed, so that nobody knows which of two versions holds.
type Board struct {
	words []atomic.Uint64
	bytes []byte
}

const (
	busy     = 1 << 0
	doubtful = 1 << 1
	oneMore  = 1 << 2
)

// NewBoard makes the file of a board for sessions, in place of an earlier one.
func NewBoard(file string, sessions int) (*Board, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(int64(sessions) * 8); err != nil {
		return nil, err
	}
	return OpenBoard(file)
}

// OpenBoard opens one that NewBoard made.
func OpenBoard(file string) (*Board, error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 {
		return &Board{}, nil
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", file, err)
	}
	return &Board{unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&b[0])), len(b)/8), b}, nil
}

// Close gives the memory back; nobody may use the board any more.
func (b *Board) Close() error {
	if b.bytes == nil {
		return nil
	}
	return syscall.Munmap(b.bytes)
}

// Len is the number of sessions.
func (b *Board) Len() int { return len(b.words) }

// Set says which version a new session has.
func (b *Board) Set(session int, version uint64) { b.words[session].Store(version * oneMore) }

// Version is a session's newest acknowledged version. Without certain it may also be the one after it.
func (b *Board) Version(session int) (version uint64, certain bool) {
	word := b.words[session].Load()
	return word / oneMore, word&doubtful == 0
}

// claim takes a session for one request, if nobody has it and may has nothing against its version.
func (b *Board) claim(session int, may func(version uint64) bool) (version uint64, ok bool) {
	word := b.words[session].Load()
	if word&(busy|doubtful) != 0 || !may(word/oneMore) {
		return 0, false
	}
	return word / oneMore, b.words[session].CompareAndSwap(word, word|busy)
}

// raised gives a session back whose next version was acknowledged.
func (b *Board) raised(session int, version uint64) { b.words[session].Store((version + 1) * oneMore) }

// doubted gives a session back of which nobody knows what became of the change. It is not used any more.
func (b *Board) doubted(session int, version uint64) {
	b.words[session].Store(version*oneMore | doubtful)
}
