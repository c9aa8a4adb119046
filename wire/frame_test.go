package wire

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestFrameBytes(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 300)
	for _, c := range []struct {
		name  string
		frame Frame
		want  []byte
	}{
		{"empty", Frame{Type: 5}, []byte{5, 0}},
		{"short", Frame{Type: 1, Payload: []byte("ab")}, []byte{1, 2, 'a', 'b'}},
		{"wide type", Frame{Type: 300, Payload: []byte("a")}, []byte{0xac, 2, 1, 'a'}},
		{"long", Frame{Type: 1, Payload: long}, append([]byte{1, 0xac, 2}, long...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.frame.AppendFrame([]byte("before"))
			begun, mark := BeginFrame([]byte("before"), c.frame.Type)
			begun = EndFrame(append(begun, c.frame.Payload...), mark)
			for _, b := range [][]byte{got, begun} {
				if diff := cmp.Diff(append([]byte("before"), c.want...), b); diff != "" {
					t.Errorf("bytes differ (-want +got):\n%s", diff)
				}
			}
			f, rest, err := ParseFrame(append(c.want, 9), len(long))
			if err != nil || len(rest) != 1 || f.Type != c.frame.Type || !bytes.Equal(f.Payload, c.frame.Payload) {
				t.Errorf("ParseFrame = %v, %v, %v", f, rest, err)
			}
		})
	}
}

func TestEndFrameAtEveryLengthOfPrefix(t *testing.T) {
	for _, size := range []int{0, 1, 127, 128, 129, 16383, 16384, 1<<21 - 1, 1 << 21} {
		payload := bytes.Repeat([]byte("abc"), size/3+1)[:size]
		b, mark := BeginFrame(nil, 1)
		b = EndFrame(append(b, payload...), mark)
		f, rest, err := ParseFrame(b, size)
		if err != nil || len(rest) != 0 || !bytes.Equal(f.Payload, payload) {
			t.Errorf("%d bytes: got %d bytes, %d left over, %v", size, len(f.Payload), len(rest), err)
		}
	}
}

func TestParseFrameErrors(t *testing.T) {
	tooWide := bytes.Repeat([]byte{0xff}, 11)
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, ErrFrameShort},
		{"type only", []byte{1}, ErrFrameShort},
		{"half a length", []byte{1, 0x80}, ErrFrameShort},
		{"half a payload", []byte{1, 3, 'a'}, ErrFrameShort},
		{"above the limit", []byte{1, 101}, ErrFrameTooLarge},
		{"absurd length", []byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, ErrFrameTooLarge},
		{"type too wide", tooWide, ErrFrameMalformed},
		{"length too wide", append([]byte{1}, tooWide...), ErrFrameMalformed},
	} {
		if _, rest, err := ParseFrame(c.in, 100); !errors.Is(err, c.want) || !bytes.Equal(rest, c.in) {
			t.Errorf("%s: got %v, rest %v, want %v", c.name, err, rest, c.want)
		}
	}
}

func TestFrameReaderWhateverTheReads(t *testing.T) {
	var stream []byte
	var want []int
	for i := range 200 {
		size := (i * 7919) % 3000
		want = append(want, size)
		f := Frame{Type: uint64(i), Payload: bytes.Repeat([]byte{byte(i)}, size)}
		stream = f.AppendFrame(stream)
	}
	big := Frame{Type: 1, Payload: make([]byte, 1<<20)}
	stream, want = big.AppendFrame(stream), append(want, 1<<20)
	for name, r := range map[string]*frameReader{
		"whole":       newFrameReader(bytes.NewReader(stream), 1<<20),
		"byte by one": newFrameReader(iotest.OneByteReader(bytes.NewReader(stream)), 1<<20),
		"with error":  newFrameReader(iotest.DataErrReader(bytes.NewReader(stream)), 1<<20),
	} {
		var got []int
		var err error
		for err == nil {
			var frames []Frame
			frames, err = r.next()
			for _, f := range frames {
				got = append(got, len(f.Payload))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: sizes differ (-want +got):\n%s", name, diff)
		}
		if err.Error() != "EOF" {
			t.Errorf("%s: got %v, want EOF", name, err)
		}
	}
}

func TestFrameReaderMemoryFollowsData(t *testing.T) {
	r := newFrameReader(bytes.NewReader([]byte{1, 0xff, 0xff, 0xff, 0x7f, 'a'}), 1<<30)
	if _, err := r.next(); err == nil || len(r.buf) > readerStart {
		t.Errorf("a declared gigabyte: got %v and a buffer of %d bytes", err, len(r.buf))
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{1, 2, 'a', 'b', 3}, 10)
	f.Add([]byte{0x80, 0x80, 0, 0}, 10)
	f.Fuzz(func(t *testing.T, b []byte, max int) {
		frame, rest, err := ParseFrame(b, min(max&0xffff, 1<<16))
		if err != nil {
			if !bytes.Equal(rest, b) {
				t.Fatalf("error %v took bytes", err)
			}
			return
		}
		if len(frame.Payload)+len(rest) >= len(b) {
			t.Fatalf("payload of %d and rest of %d out of %d bytes", len(frame.Payload), len(rest), len(b))
		}
		again, left, err := ParseFrame(frame.AppendFrame(nil), 1<<16)
		if err != nil || len(left) != 0 || again.Type != frame.Type || !bytes.Equal(again.Payload, frame.Payload) {
			t.Fatalf("round trip of %v: %v, %v", frame, again, err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add(byte(1), byte(0), byte(5), byte(0))
	f.Add(byte(2), byte(0), byte(0), byte(0))
	f.Add(byte(3), byte(0), byte(0), byte(0))
	f.Fuzz(func(t *testing.T, a, b, c, d byte) {
		h, err := parseHeader([headerSize]byte{a, b, c, d})
		if err != nil {
			if !errors.Is(err, ErrProtocol) || h != (header{}) {
				t.Fatalf("got %v, %v", h, err)
			}
			return
		}
		if h.kind == kindLane && (h.lanes < 1 || h.lanes > lanesMax || h.lane >= h.lanes) {
			t.Fatalf("got %+v", h)
		}
		if again, err := readHeader(bytes.NewReader(h.encode())); err != nil || again != h {
			t.Fatalf("round trip of %+v: %+v, %v", h, again, err)
		}
	})
}
