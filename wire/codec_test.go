package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sessnode/sessnode/replica"
)

// encode is m's frame, taken apart again.
func encode(t testing.TB, m replica.Message, now time.Duration) Frame {
	t.Helper()
	f, rest, err := ParseFrame(AppendMessage(nil, m, now), math.MaxInt32)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%T: parse own frame: %v, %d bytes left", m, err, len(rest))
	}
	return f
}

// diff is empty when got says the same as want; empty lists and values arrive as nil.
func diff(want, got any) string {
	notEmpty := func(a, b []byte) bool { return len(a)+len(b) > 0 }
	whole := cmp.FilterValues(notEmpty, cmp.Comparer(bytes.Equal)) // byte by byte takes seconds
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(replica.Session{}), whole)
}

func TestCodecRoundTrip(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			f := encode(t, s.message, sampleNow)
			if got, want := typeNames[f.Type], s.messageName(); got != want {
				t.Errorf("type is that of %q, want %q", got, want)
			}
			got, err := Decode(f, sampleNow)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(s.message, got); d != "" {
				t.Errorf("decoded differs (-want +got):\n%s", d)
			}
		})
	}
}

// A reply decodes into one that was used before as it does into its own; nothing else does, and no part of one.
func TestDecodeReply(t *testing.T) {
	var m replica.Reply // used again and again
	for _, s := range samples() {
		f := encode(t, s.message, sampleNow)
		want, reply := s.message.(*replica.Reply)
		is, err := DecodeReply(f, sampleNow, &m)
		if is != reply || err != nil {
			t.Fatalf("%s: decoded %v, error %v; want %v", s.name, is, err, reply)
		}
		if !reply {
			continue
		}
		if d := diff(want, &m); d != "" {
			t.Errorf("%s: decoded differs (-want +got):\n%s", s.name, d)
		}
		f.Payload = f.Payload[:2]
		if _, err := DecodeReply(f, sampleNow, &m); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: two bytes of it: error %v, want ErrMalformed", s.name, err)
		}
	}
}

// A message must not change when the reader's buffer is used again.
func TestDecodeKeepsNothingOfPayload(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			f := encode(t, s.message, sampleNow)
			got, err := Decode(f, sampleNow)
			if err != nil {
				t.Fatal(err)
			}
			for i := range f.Payload {
				f.Payload[i] = '!'
			}
			if d := diff(s.message, got); d != "" {
				t.Errorf("changed with the buffer (-want +got):\n%s", d)
			}
		})
	}
}

// Every message of package replica has a type and at least one sample.
func TestCodecKnowsEveryMessage(t *testing.T) {
	sampled := map[string]bool{}
	for _, s := range samples() {
		sampled[s.messageName()] = true
	}
	messages := messageTypes(t)
	if len(messages) < 20 {
		t.Fatalf("found %d messages in package replica: %v", len(messages), messages)
	}
	for _, name := range messages {
		if !sampled[name] {
			t.Errorf("%s has no sample", name)
		}
	}
	named := map[string]uint64{}
	for number, name := range typeNames {
		if other, twice := named[name]; twice {
			t.Errorf("%s has the types %d and %d", name, number, other)
		}
		if named[name] = number; !slices.Contains(messages, name) {
			t.Errorf("type %d names %s, which is no message", number, name)
		}
	}
}

// messageTypes are the receivers of message() in package replica.
func messageTypes(t *testing.T) (names []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "../replica/message.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "message" || f.Recv == nil {
			continue
		}
		names = append(names, f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name)
	}
	return names
}

func TestDecodeSkipsUnknownType(t *testing.T) {
	for _, frameType := range []uint64{0, 31, 127, math.MaxUint64} {
		m, err := Decode(Frame{Type: frameType, Payload: []byte{1, 2, 3}}, 0)
		if m != nil || err != nil {
			t.Errorf("type %d: %v, %v; want nil, nil", frameType, m, err)
		}
	}
}

// A newer version may append fields to every message.
func TestDecodeSkipsTrailingFields(t *testing.T) {
	for _, s := range samples() {
		f := encode(t, s.message, sampleNow)
		f.Payload = append(f.Payload, 0xff, 0xff, 0xff)
		got, err := Decode(f, sampleNow)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
		} else if d := diff(s.message, got); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", s.name, d)
		}
	}
}

// A newer version may append fields to every record inside a message.
func TestDecodeSkipsTrailingFieldsOfRecords(t *testing.T) {
	boots := addBoots(nil, &sampleClaim)
	table := bootTable(appendBoots(nil, boots)[1:])
	part := replica.Part{Base: sampleBase, Session: sampleSession()}
	remembered := []replica.RememberedRequest{{Request: sampleRequest, NotAfter: 5, Key: sampleKey, Stamp: sampleStamp,
		Over: []*replica.Attr{{Name: "cart", Value: []byte("2 apples"), Stamp: sampleBase}}}}
	entry := sampleUpdate().Entry
	entry.Requests = remembered
	commit := *sampleCommit().Commit
	commit.Lock = sampleStamp
	lock := replica.Lock{Key: sampleKey, Held: sampleStamp, Lease: time.Second}
	list := replica.List{Slot: 3, App: "shop", NotAfter: 5}
	answered := replica.AnsweredSlot{Slot: 3, Holds: true, Claim: sampleClaim}
	for _, c := range []struct {
		name   string
		record []byte
		want   any
		read   func(r *reader) any
	}{
		{"session", appendPart(nil, &part, sampleNow), part, func(r *reader) any { return readPart(r) }},
		{"entry", appendEntry(nil, &entry, sampleNow), entry, func(r *reader) any {
			var e replica.Entry
			readEntry(r, &e, nil)
			return e
		}},
		{"claim", appendClaim(nil, &sampleClaim, boots), sampleClaim, func(r *reader) any { return readClaim(r, table) }},
		{"member", appendMember(nil, &sampleMember), sampleMember, func(r *reader) any { return readMember(r) }},
		{"commit", appendCommit(nil, &commit), commit, func(r *reader) any {
			var c replica.Commit
			readCommit(r, &c)
			return c
		}},
		{"lock", appendLock(nil, &lock), lock, func(r *reader) any {
			var l replica.Lock
			readLock(r, &l)
			return l
		}},
		{"list", appendList(nil, &list), list, func(r *reader) any { return *readList(r) }},
		{"load", appendLoad(nil, &replica.Load{Key: sampleKey}), replica.Load{Key: sampleKey}, func(r *reader) any {
			var l replica.Load
			readLoad(r, &l)
			return l
		}},
		{"remembered", appendRemembered(nil, remembered)[1:], remembered, func(r *reader) any {
			r.rest = append([]byte{1}, r.rest...)
			return readRemembered(r)
		}},
		{"asked", appendAsk(nil, &replica.Ask{Slots: []replica.AskedSlot{{Slot: 3}}})[3:], []replica.AskedSlot{{Slot: 3}},
			func(r *reader) any {
				r.rest = append([]byte{0, 0, 1}, r.rest...)
				return readAsk(r).Slots
			}},
		{"answered", appendAnswered(nil, &answered, boots), answered, func(r *reader) any { return readAnswered(r, table) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			size, n := binary.Uvarint(c.record)
			longer := binary.AppendUvarint(nil, size+3)
			longer = append(append(longer, c.record[n:]...), 0xff, 0xff, 0xff)
			r := &reader{rest: append(longer, 'z'), now: sampleNow}
			got := c.read(r)
			if r.failed() || string(r.rest) != "z" {
				t.Fatalf("failed at %q (%s), %q is left; want only z", r.field, r.cause, r.rest)
			}
			if d := diff(c.want, got); d != "" {
				t.Errorf("differs (-want +got):\n%s", d)
			}
		})
	}
}

// endsEarlier are the sizes of payloads that a sender of before the admin commands, the locks, or the comparing of clocks
// made: they are whole as well.
var endsEarlier = map[string]int{"HandOff": 5, "Heartbeat": 14, "Heartbeat-off": 14, "HeartbeatReply": 15, "AdminRequest": 1, "AdminRequest-forget": 1, "AdminReply": 14, "AdminReply-refused": 2}

func TestDecodeTakesEarlierFrames(t *testing.T) {
	for _, c := range []struct {
		frame Frame
		want  replica.Message
	}{
		{Frame{Type: typeAdminRequest, Payload: []byte{5}}, &replica.AdminRequest{Token: 5}},
		{Frame{Type: typeHeartbeat, Payload: []byte{7, 0, 0, 0, 0, 0, 0, 0, 9}}, &replica.Heartbeat{Sent: 7, Digest: 9}},
		{Frame{Type: typeHeartbeatReply, Payload: []byte{7, 0, 0, 0, 0, 0, 0, 0, 9, 1}},
			&replica.HeartbeatReply{Sent: 7, Digest: 9, Granted: true}},
		{Frame{Type: typeAdminReply, Payload: []byte{5, 2, '{', '}'}}, &replica.AdminReply{Token: 5, JSON: []byte("{}")}},
	} {
		got, err := Decode(c.frame, 0)
		if d := diff(c.want, got); err != nil || d != "" {
			t.Errorf("%T: %v (-want +got):\n%s", c.want, err, d)
		}
	}
}

// No field of version 1 may be missing.
func TestDecodeRefusesEveryPrefix(t *testing.T) {
	for _, s := range samples() {
		whole := AppendMessage(nil, s.message, sampleNow)
		for n := range whole {
			if _, _, err := ParseFrame(whole[:n], FrameSizeMax); !errors.Is(err, ErrFrameShort) {
				t.Errorf("%s: %d of %d bytes of the frame: %v, want ErrFrameShort", s.name, n, len(whole), err)
			}
		}
		f := encode(t, s.message, sampleNow)
		for n := range f.Payload {
			if n > 0 && n == endsEarlier[s.name] {
				continue
			}
			m, err := Decode(Frame{Type: f.Type, Payload: f.Payload[:n]}, sampleNow)
			if m != nil || !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %d of %d bytes of the payload: %v, %v; want ErrMalformed", s.name, n, len(f.Payload), m, err)
			}
		}
	}
}

func TestDecodeRefusesWhatBreaksMerging(t *testing.T) {
	later := sampleStamp
	later.Clock++
	for _, c := range []struct {
		name, want string
		spoil      func(s *replica.Session)
	}{
		{"names out of order", "attribute name: out of order", func(s *replica.Session) { slices.Reverse(s.Attrs) }},
		{"name twice", "attribute name: out of order", func(s *replica.Session) { s.Attrs[1].Name = s.Attrs[0].Name }},
		{"attribute later", "attribute stamp: later than its session's", func(s *replica.Session) { s.Attrs[0].Stamp = later }},
		{"touched earlier", "touched: earlier than the session's stamp", func(s *replica.Session) { s.Touched = sampleBase }},
		{"ending", "ending: unknown value", func(s *replica.Session) { s.Ending = replica.LoggedOut + 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := sampleSession()
			c.spoil(s)
			m := &replica.Offer{Parts: []replica.Part{{Session: s}}}
			_, err := Decode(encode(t, m, sampleNow), sampleNow)
			if want := "wire: message is malformed: Offer: " + c.want; err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tooMany := sampleClaim
	tooMany.Backups = make([]replica.Boot, backupsMax+1)
	for _, c := range []struct {
		name    string
		message replica.Message
	}{
		{"request for nothing", &replica.Request{}},
		{"part without a session", &replica.Offer{Parts: []replica.Part{{}}}},
		{"unknown durability", &replica.Request{Commit: &replica.Commit{Durability: 200}}},
		{"unknown verdict", &replica.Answer{Slots: []replica.AnsweredSlot{{Verdict: 4}}}},
		{"too many backups", &replica.Fenced{Claim: tooMany}},
		{"too many claims", &replica.Claims{Claims: make([]replica.Claim, claimsMax+1)}},
		{"too many members", &replica.Layout{Members: make([]replica.Member, membersMax+1)}},
	} {
		m, err := Decode(encode(t, c.message, 0), 0)
		if m != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, %v; want ErrMalformed", c.name, m, err)
		}
	}
	both := Frame{Type: typeRequest, Payload: []byte{1, 0, requestLoad | requestLock}}
	if m, err := Decode(both, 0); m != nil || !errors.Is(err, ErrMalformed) {
		t.Errorf("request for both: %v, %v; want ErrMalformed", m, err)
	}
}

// A count is believed only as far as there are bytes for it.
func TestDecodeHostileCounts(t *testing.T) {
	for name, b := range map[string][]byte{
		"claims":   append([]byte{0}, 0xff, 0xff, 0x03),
		"boots":    {0xff, 0x1f},
		"overflow": {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
	} {
		f := Frame{Type: typeClaims, Payload: b}
		if _, err := Decode(f, 0); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
		if got := decodeBytes(f); got > 4<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

func TestDecodeRefusesBootOutsideTable(t *testing.T) {
	table := bootTable(make([]byte, 2*8))
	for index, ok := range map[byte]bool{0: true, 1: true, 2: false, 0x7f: false} {
		r := reader{rest: []byte{index}}
		if r.bootIndex("primary", table); r.failed() == ok {
			t.Errorf("index %d of 2: failed %t", index, r.failed())
		}
	}
}

// Values that share a block must not run into each other.
func TestDecodeValuesHaveNoRoom(t *testing.T) {
	m, err := Decode(encode(t, &replica.Reply{Result: replica.Result{Session: sampleSession()}}, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range m.(*replica.Reply).Result.Session.Attrs {
		if len(a.Value) <= valueSharedMax && cap(a.Value) != len(a.Value) {
			t.Errorf("%s: value of %d bytes has room for %d", a.Name, len(a.Value), cap(a.Value))
		}
	}
}

func TestCodecAge(t *testing.T) {
	for _, c := range []struct {
		name                     string
		accessed, sent, received time.Duration
		want                     time.Duration
	}{
		{"same clock", 5 * time.Second, 8 * time.Second, 8 * time.Second, 5 * time.Second},
		{"younger node", 5 * time.Second, 8 * time.Second, time.Second, -2 * time.Second},
		{"age rounds down", 5*time.Second + 1, 8 * time.Second, 8 * time.Second, 5*time.Second + time.Microsecond},
		{"never negative", 9 * time.Second, 8 * time.Second, 20 * time.Second, 20 * time.Second},
		{"bounded", math.MinInt64, 8 * time.Second, 0, -ageMax},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := reader{rest: appendAge(nil, c.accessed, c.sent), now: c.received}
			if got := r.age("age"); got != c.want || r.failed() {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestAppendMessagePanicsOnStranger(t *testing.T) {
	defer func() {
		if got, want := recover(), "wire: BUG: no frame type for <nil>"; got != want {
			t.Errorf("panic is %v, want %v", got, want)
		}
	}()
	AppendMessage(nil, nil, 0)
}

// TestDigestSaysNothingToOldNodes: one that does not know digests takes the load for one that knows no version.
func TestDigestSaysNothingToOldNodes(t *testing.T) {
	b := appendLoad(nil, &replica.Load{Key: sampleKey, Known: sampleStamp, KnownDigest: 7})
	if flags := b[1]; flags&loadKnown != 0 || flags&loadDigest == 0 {
		t.Errorf("flags %#x, want %#x alone", flags, loadDigest)
	}
}
