package chaos

import (
	"bytes"
	"fmt"
	"strings"
)

// encode is what is stored for a value: the value, and after a zero byte as much that follows from it as makes size bytes.
func encode(value string, size int) []byte {
	b := make([]byte, 0, max(size, len(value)+1))
	b = append(b, value...)
	b = append(b, 0)
	for len(b) < size && value != "" {
		b = append(b, value[:min(len(value), size-len(b))]...)
	}
	return b
}

// decode is the value in what is stored. What encode cannot have made is shown as damaged, which no write has written.
func decode(stored []byte) string {
	value, _, found := bytes.Cut(stored, []byte{0})
	if !found || !bytes.Equal(encode(string(value), len(stored)), stored) {
		return fmt.Sprintf("damaged: %d bytes, %q", len(stored), strings.ToValidUTF8(string(stored[:min(len(stored), 32)]), "?"))
	}
	return string(value)
}
