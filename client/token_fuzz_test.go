package client

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sessnode/sessnode/replica"
)

func FuzzTokenRead(f *testing.F) {
	for _, header := range []string{
		"", "Bearer", "Bearer x", "bearer abcdef.0123456789012345678901", "Bearer  abcdef.0123456789012345678901\t",
		"Basic YTpi", "abcdef.0123456789012345678901", "Bearer abcdef.0123456789012345678901, Basic x",
	} {
		f.Add("Authorization", header)
		f.Add("X-Session", header)
	}
	f.Fuzz(func(t *testing.T, name, header string) {
		tok := newToken(name)
		h := http.Header{http.CanonicalHeaderKey(name): {header}}
		id, sent := tok.read(h)
		if id != "" && (!sent || !replica.WellFormedID(id) || !strings.Contains(header, id)) {
			t.Fatalf("%s: %q gave the id %q", name, header, id)
		}
	})
}
