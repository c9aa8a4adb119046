package replica

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
)

// Attr is one attribute of a session with the stamp of the commit that set it. A deleted attribute keeps its name and
// stamp, without a value, while the session lives, so that a merge does not bring it back.
type Attr struct {
	Name    string
	Value   []byte // never modified after it entered a Session
	Stamp   Stamp
	Deleted bool
}

// Ending says how a session ended.
type Ending uint8

// The endings, in the order in which they win a merge.
const (
	Alive     Ending = 0
	Expired   Ending = 1 // yields to an access that its primary did not know of
	LoggedOut Ending = 2 // yields to nothing
)

// Session is one version of a session, or what is known of an ended one. Versions are immutable: a change makes a new
// one that shares the attributes. Do not give a copy of a Session other attributes: it knows the sums of those that it had.
//
// A Session may also be partial, holding only what a commit changed; merging it into the version that it was made for
// gives the next version. What a primary sends to a backup, what a snapshot carries and what two sides of a split
// exchange are therefore the same thing.
type Session struct {
	Key   Key
	Attrs []*Attr // sorted by Name, no name twice; shared with other versions, never modified
	Born  Stamp   // of the commit that created it; zero in a partial session of a later commit
	Stamp Stamp   // newest commit. Invariant: no attribute has a later one.

	// Touched is the newest stamp at which an access or a commit was replicated. Invariant: Stamp <= Touched.
	Touched Stamp
	// Accessed is when the session was last used, on the clock of the node that holds this version; it travels as an
	// age.
	Accessed time.Duration

	Settings Settings

	Ending Ending
	// Until is when an ended session may be forgotten, as time of day in milliseconds since 1970.
	Until int64

	summary summary // of Attrs, if somebody has made one: waking and merging do
}

// Settings are the parts of a session that say when it ends, with the stamp of the commit that set them.
type Settings struct {
	Idle     time.Duration // ends after this long without access; zero: never
	Deadline int64         // ends at this time of day, milliseconds since 1970; never zero in a whole session
	Stamp    Stamp
}

// NewSession is an empty session with room for that many attributes, and at least one. Mostly they lie in one block of memory:
// whoever reads the session finds its attributes beside it.
func NewSession(attrs int) *Session {
	switch {
	case attrs <= 1: // as of most commits; that room costs nothing
		v := &struct {
			session Session
			attrs   [1]*Attr
		}{}
		v.session.Attrs = v.attrs[:0]
		return &v.session
	case attrs <= 12:
		v := &struct {
			session Session
			attrs   [12]*Attr
		}{}
		v.session.Attrs = v.attrs[:0]
		return &v.session
	}
	return &Session{Attrs: make([]*Attr, 0, attrs)}
}

// MakeAttrs gives the session, which nobody else has seen yet, that many new attributes in place of those that it has. They are one
// block of memory, which stays as long as one of them is used.
func (s *Session) MakeAttrs(count int) {
	if s.Attrs = s.Attrs[:0]; count > cap(s.Attrs) {
		s.Attrs = make([]*Attr, 0, count)
	}
	block := make([]Attr, count)
	for i := range block {
		s.Attrs = append(s.Attrs, &block[i])
	}
}

// Get returns a live attribute's value, which must not be modified.
func (s *Session) Get(name string) ([]byte, bool) {
	if i, ok := s.find(name); ok && !s.Attrs[i].Deleted {
		return s.Attrs[i].Value, true
	}
	return nil, false
}

// find is where in Attrs the attribute of a name lies, or would.
func (s *Session) find(name string) (int, bool) {
	if s.summary.made() {
		if i := int(*s.summary.places.of(name)); i < len(s.Attrs) && s.Attrs[i].Name == name {
			return i, true
		}
	}
	return findAttr(s.Attrs, name)
}

func findAttr(attrs []*Attr, name string) (int, bool) {
	return slices.BinarySearchFunc(attrs, name, func(a *Attr, n string) int { return strings.Compare(a.Name, n) })
}

// Live counts the attributes that are not deleted and their size in bytes, names included.
func (s *Session) Live() (attrs, bytes int) {
	n := s.counts()
	return len(s.Attrs) - int(n.deleted), int(n.liveBytes)
}

// Visible is s as readers get it, without what was deleted; s itself if there is nothing of that.
func (s *Session) Visible() *Session {
	if s.counts().deleted == 0 {
		return s
	}
	return s.holding(slices.DeleteFunc(slices.Clone(s.Attrs), func(a *Attr) bool { return a.Deleted }))
}

// holding is s with other attributes.
func (s *Session) holding(attrs []*Attr) *Session {
	v := *s
	v.Attrs, v.summary = attrs, summary{}
	return &v
}

// Written is the partial session that a commit which got the given stamp makes of changes. It shares their memory.
func Written(key Key, changes []Change, stamp Stamp) *Session {
	s := NewSession(len(changes))
	s.write(key, changes, stamp)
	return s
}

// write makes an empty session what Written says.
func (s *Session) write(key Key, changes []Change, stamp Stamp) {
	s.Key, s.Stamp, s.Touched = key, stamp, stamp
	s.MakeAttrs(len(changes))
	for i, ch := range changes {
		*s.Attrs[i] = Attr{Name: ch.Name, Value: ch.Value, Stamp: stamp, Deleted: ch.Delete}
	}
	slices.SortFunc(s.Attrs, func(a, b *Attr) int { return strings.Compare(a.Name, b.Name) })
}

// With is s after a commit of changes that got the given stamp: what [Merge] makes of s and [Written]. Unlike that it holds nothing
// of the changes' memory.
func (s *Session) With(changes []Change, stamp Stamp) *Session {
	var part Session // of which the merge keeps the attributes alone
	part.write(s.Key, changes, stamp)
	for _, a := range part.Attrs {
		a.Name, a.Value = s.ownName(a.Name), bytes.Clone(a.Value)
	}
	return merged(s, &part)
}

// ownName is a name in memory of its own, or of an attribute of s that has it.
func (s *Session) ownName(name string) string {
	if i, ok := s.find(name); ok {
		return s.Attrs[i].Name
	}
	return strings.Clone(name)
}

// ended reports whether s says that its session is over.
func (s *Session) ended() bool { return s.Ending != Alive }

// Merge is the session that knows all that a and b know: the later stamp wins each attribute and the settings, the
// latest access counts, and a logout ends both. It is commutative, associative and idempotent; a nil argument adds
// nothing. It shares memory with its arguments and modifies neither.
//
// An expiry hides attributes and does not remove them here: else it would depend on the order of three merges whether
// what a side wrote survives an expiry that a later access overrules. A slot stores what is bare of them.
//
// The model is a state-based CRDT: Shapiro et al., "Conflict-free Replicated Data Types", SSS 2011.
func Merge(a, b *Session) *Session {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return merged(a, b)
}

func merged(a, b *Session) *Session {
	m := roomFor(a, b)
	m.Key = a.Key
	m.Stamp = Later(a.Stamp, b.Stamp)
	m.Touched = Later(a.Touched, b.Touched)
	m.Accessed = max(a.Accessed, b.Accessed)
	if m.Ending, m.Until = mergedEnding(a, b); m.Ending == LoggedOut {
		return m
	}
	m.Born = firstBorn(a.Born, b.Born)
	m.Settings = a.Settings
	if a.Settings.Stamp.Less(b.Settings.Stamp) {
		m.Settings = b.Settings
	}
	m.mergeAttrs(a, b)
	return m
}

// firstBorn is the earlier of two births of which either may be unknown.
func firstBorn(a, b Stamp) Stamp {
	if a.IsZero() || !b.IsZero() && b.Less(a) {
		return b
	}
	return a
}

// mergedEnding is how a merge ends, and until when that is kept: as the side says whose word weighs more.
func mergedEnding(a, b *Session) (Ending, int64) {
	switch c := compareEndings(a, b); {
	case c > 0:
		return a.Ending, a.Until
	case c < 0:
		return b.Ending, b.Until
	}
	return a.Ending, max(a.Until, b.Until)
}

// compareEndings puts a logout above everything, and lets an expiry stand only if nobody touched the session after what
// its primary knew.
func compareEndings(a, b *Session) int {
	if a.Ending == LoggedOut || b.Ending == LoggedOut {
		return cmp.Compare(a.Ending, b.Ending)
	}
	return cmp.Or(a.Touched.compare(b.Touched), cmp.Compare(a.Ending, b.Ending))
}

// bare is s as a slot keeps it: of an expired session, only that it is over.
func (s *Session) bare() *Session {
	if s.Ending != Expired || len(s.Attrs) == 0 && s.Born.IsZero() && s.Settings == (Settings{}) {
		return s
	}
	return &Session{
		Key: s.Key, Stamp: s.Stamp, Touched: s.Touched, Accessed: s.Accessed, Ending: s.Ending, Until: s.Until,
	}
}

// roomFor is an empty session with room for the attributes of a merge that changes one.
func roomFor(a, b *Session) *Session {
	if min(len(a.Attrs), len(b.Attrs)) == 1 {
		return NewSession(max(len(a.Attrs), len(b.Attrs)))
	}
	return &Session{}
}

// mergeAttrs gives s the attributes of a and b.
func (s *Session) mergeAttrs(a, b *Session) {
	if len(a.Attrs) < len(b.Attrs) {
		a, b = b, a // attributes of one stamp are the same
	}
	switch {
	case len(b.Attrs) == 0:
		s.Attrs, s.summary = a.Attrs, a.summary
	case len(b.Attrs) == 1: // as in most commits
		s.mergeAttr(a, b.Attrs[0])
	default:
		s.Attrs = mergedAttrs(a.Attrs, b.Attrs)
	}
	if !s.summary.made() {
		s.summary = summarize(s.Attrs, &layouts{})
	}
}

// mergedAttrs is the attributes of two sessions, of which b has no more than a.
func mergedAttrs(a, b []*Attr) []*Attr {
	m := make([]*Attr, 0, len(a)+missing(a, b)) // no more: versions are kept
	if len(b) > len(a)/sparse {
		return zipAttrs(m, a, b)
	}
	m = append(m, a...)
	for i := range b {
		if j, ok := findAttr(m, b[i].Name); ok {
			m[j] = newer(m[j], b[i])
		} else {
			m = slices.Insert(m, j, b[i])
		}
	}
	return m
}

// newer is which of two writes of one attribute stands: the later one.
func newer(a, b *Attr) *Attr {
	if a.Stamp.Less(b.Stamp) {
		return b
	}
	return a
}

// mergeAttr gives s the attributes of a and one more.
func (s *Session) mergeAttr(a *Session, b *Attr) {
	i, ok := a.find(b.Name)
	switch {
	case !ok:
		s.Attrs = append(append(append(make([]*Attr, 0, len(a.Attrs)+1), a.Attrs[:i]...), b), a.Attrs[i:]...)
	case newer(a.Attrs[i], b) == b:
		s.Attrs = append(s.Attrs, a.Attrs...)
		s.Attrs[i] = b
		s.summary = a.summary.with(b, a.Attrs[i])
	default:
		s.Attrs, s.summary = a.Attrs, a.summary
	}
}

// sparse is how many times longer one list must be than the other for its names to be looked up rather than compared in turn.
const sparse = 4

// missing counts the attributes of b whose names a lacks.
func missing(a, b []*Attr) (n int) {
	for i := range b {
		if _, ok := findAttr(a, b[i].Name); !ok {
			n++
		}
	}
	return n
}

func zipAttrs(m, a, b []*Attr) []*Attr {
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].Name, b[0].Name); {
		case c < 0:
			m, a = append(m, a[0]), a[1:]
		case c > 0:
			m, b = append(m, b[0]), b[1:]
		default:
			m, a, b = append(m, newer(a[0], b[0])), a[1:], b[1:]
		}
	}
	return append(append(m, a...), b...)
}
