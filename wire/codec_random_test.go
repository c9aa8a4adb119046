package wire

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/sessnode/sessnode/replica"
)

// randomNow is the instant at which random messages are encoded and decoded.
const randomNow = 40 * 365 * 24 * time.Hour

// TestCodecRandom fills every field of every message by reflection, with extreme values among the others: a field that
// package replica gains and the codec does not know shows up as a difference.
func TestCodecRandom(t *testing.T) {
	done := map[string]bool{}
	for _, s := range samples() {
		if done[s.messageName()] {
			continue
		}
		done[s.messageName()] = true
		t.Run(s.messageName(), func(t *testing.T) {
			for seed := range uint64(100) {
				random := filler{rand.New(rand.NewPCG(seed, 1))}
				want := reflect.New(reflect.TypeOf(s.message).Elem())
				random.fill(want.Elem())
				m := want.Interface().(replica.Message)
				got, err := Decode(encode(t, m, randomNow), randomNow)
				if err != nil {
					t.Fatalf("seed %d: %v\n%#v", seed, err, m)
				}
				if d := diff(m, got); d != "" {
					t.Fatalf("seed %d differs (-want +got):\n%s", seed, d)
				}
			}
		})
	}
}

// filler makes random values that the types' invariants allow.
type filler struct{ *rand.Rand }

func (f filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(f.number() & (math.MaxUint64 >> (64 - v.Type().Bits())))
	case reflect.Int64:
		v.SetInt(int64(f.number()))
	case reflect.Int:
		v.SetInt(int64(f.number() & math.MaxInt32))
	case reflect.String:
		v.SetString(string(f.bytes()))
	case reflect.Slice:
		f.fillSlice(v)
	case reflect.Pointer:
		if f.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	default:
		panic("no random " + v.Type().String())
	}
	f.mend(v)
}

func (f filler) fillSlice(v reflect.Value) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(f.bytes())
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), f.IntN(4), 8))
	for i := range v.Len() {
		at := v.Index(i)
		if at.Kind() == reflect.Pointer { // none in a list is nil
			at.Set(reflect.New(at.Type().Elem()))
			at = at.Elem()
		}
		f.fill(at)
	}
}

// number is zero, one, the largest, or of any length in bits.
func (f filler) number() uint64 {
	switch f.IntN(6) {
	case 0:
		return 0
	case 1:
		return 1
	case 2:
		return math.MaxUint64
	}
	return f.Uint64() >> f.IntN(64)
}

// bytes is around the lengths at which the encoding changes.
func (f filler) bytes() []byte {
	n := []int{0, 1, 6, 126, 127, 128, valueSharedMax, valueSharedMax + 1, 3_000}[min(f.IntN(30), f.IntN(9))]
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.Uint32())
	}
	return b
}

// mend makes the value obey its type's invariants.
func (f filler) mend(v reflect.Value) {
	switch m := v.Addr().Interface().(type) {
	case *replica.Ending:
		*m %= replica.LoggedOut + 1
	case *replica.Verdict:
		*m %= replica.Busy + 1
	case *replica.Durability:
		*m %= replica.DurableNone + 1
	case *replica.Attr:
		if m.Deleted {
			m.Value = nil
		}
	case *replica.Change:
		if m.Delete {
			m.Value = nil
		}
	case *replica.Part:
		if m.Session == nil {
			m.Session = &replica.Session{}
			f.fill(reflect.ValueOf(m.Session).Elem())
		}
	case *replica.Member:
		m.Draining = false // gossip alone tells it
	case *replica.Result:
		m.Unsure = m.Unsure && m.Status.Retryable()
	case *replica.Request:
		f.mendRequest(m)
	case *replica.Session:
		f.mendSession(m)
	case *replica.RememberedRequest:
		f.mendAttrs(m.Over, &m.Stamp)
	}
}

func (f filler) mendRequest(m *replica.Request) {
	switch {
	case m.Load != nil:
		m.Commit, m.Lock, m.List = nil, nil, nil
	case m.Lock != nil:
		m.Lock.Owner = 0 // does not travel
		m.Commit, m.List = nil, nil
	case m.List != nil:
		m.Commit = nil
	case m.Commit == nil:
		m.Commit = &replica.Commit{}
		f.fill(reflect.ValueOf(m.Commit).Elem())
	}
}

func (f filler) mendSession(s *replica.Session) {
	s.Accessed = randomNow - time.Duration(f.number()%uint64(ageMax/time.Microsecond+1))*time.Microsecond
	f.mendAttrs(s.Attrs, &s.Stamp)
	if f.IntN(2) == 0 {
		s.Touched = s.Stamp
	}
	s.Touched = replica.Later(s.Touched, s.Stamp)
}

// mendAttrs puts attributes in order, and last, the stamp of what holds them, after theirs.
func (f filler) mendAttrs(attrs []*replica.Attr, last *replica.Stamp) {
	slices.SortFunc(attrs, func(a, b *replica.Attr) int { return cmp.Compare(a.Name, b.Name) })
	for i, a := range attrs {
		a.Name = fmt.Sprintf("%d%s", i, a.Name)
		if f.IntN(2) == 0 {
			a.Stamp.Boot = last.Boot
		}
		*last = replica.Later(*last, a.Stamp)
	}
}
