package wire

import (
	"encoding/binary"
	"time"
)

func appendUvarint(b []byte, v uint64) []byte { return binary.AppendUvarint(b, v) }

func appendUint32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendInt64(b []byte, v int64) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendDuration(b []byte, d time.Duration) []byte { return appendInt64(b, int64(d)) }

func appendFixed64(b []byte, v uint64) []byte { return binary.BigEndian.AppendUint64(b, v) }

func appendCount(b []byte, n int) []byte { return binary.AppendUvarint(b, uint64(n)) }

func appendText(b []byte, s string) []byte { return append(appendCount(b, len(s)), s...) }

func appendTexts(b []byte, all []string) []byte {
	b = appendCount(b, len(all))
	for _, s := range all {
		b = appendText(b, s)
	}
	return b
}

func appendBytes(b []byte, v []byte) []byte { return append(appendCount(b, len(v)), v...) }

// appendOptional is appendBytes with the length plus one; zero means absent.
func appendOptional(b []byte, v []byte, present bool) []byte {
	if !present {
		return append(b, 0)
	}
	return append(appendCount(b, len(v)+1), v...)
}

// bitIf is bit when on, else zero.
func bitIf(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// beginRecord starts a length-prefixed record at the end of b; endRecord gets mark unchanged.
func beginRecord(b []byte) (out []byte, mark int) { return append(b, 0), len(b) + 1 }

// endRecord writes the length of a record. It is what ends a frame: a frame is a type and a record.
func endRecord(b []byte, mark int) []byte { return EndFrame(b, mark) }
