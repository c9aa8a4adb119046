package check

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sessnode/sessnode/chaos/history"
)

// parse reads a history as the tables write it, one event per line; times are in seconds.
//
//	0.1-0.2 c1 add s.e1=1 ok copies=2 node=n1    an operation: client, kind, session.attribute=input, outcome, more
//	split 1-2-2.5 a,c1|b,c2 parted=1.1            from, the heal (? for never), merged if seen; sides
//	kill 3 n1,n2                                  any other kind of fault likewise: from, or from-until
//	conflict s.e1 lost=l kept=k
//	final 9 n1 s e1:1+e2:2                        or gone=destroyed, gone=expired, error
//	unlisted why
//	run copies=2 nodes=5
func parse(t *testing.T, text string) *history.History {
	t.Helper()
	h := &history.History{Run: history.Run{Copies: 2}}
	for _, l := range strings.Split(text, "\n") {
		f := strings.Fields(l)
		if len(f) == 0 {
			continue
		}
		p := &parser{t: t, line: l}
		switch f[0] {
		case "split":
			h.Splits = append(h.Splits, p.split(f))
		case "conflict":
			h.Conflicts = append(h.Conflicts, p.conflict(f))
		case "final":
			h.Finals = append(h.Finals, p.final(f))
		case "unlisted":
			h.Unlisted = append(h.Unlisted, strings.Join(f[1:], " "))
		case "run":
			for _, m := range f[2:] {
				h.Run.Nodes = p.number(strings.TrimPrefix(m, "nodes="))
			}
			h.Run.Copies = p.number(strings.TrimPrefix(f[1], "copies="))
		default:
			if strings.Contains(f[0], "-") {
				o := p.operation(f)
				o.ID = len(h.Operations) + 1
				h.Operations = append(h.Operations, o)
				continue
			}
			from, until := p.times(f[1])
			if !strings.Contains(f[1], "-") {
				until = 0
			}
			h.Faults = append(h.Faults, history.Fault{Kind: f[0], From: from, Until: until, Whom: strings.Split(f[2], ",")})
		}
	}
	return h
}

type parser struct {
	t    *testing.T
	line string
}

func (p *parser) fail(what string) {
	p.t.Helper()
	p.t.Fatalf("%s in %q", what, p.line)
}

func (p *parser) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		p.fail(err.Error())
	}
	return n
}

func (p *parser) time(text string) time.Duration {
	if text == "?" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.fail(err.Error())
	}
	return time.Duration(n*1e6+0.5) * time.Microsecond
}

func (p *parser) times(text string) (from, until time.Duration) {
	a, b, _ := strings.Cut(text, "-")
	return p.time(a), p.time(cmp.Or(b, a))
}

func (p *parser) attrs(text string) map[string]string {
	m := make(map[string]string)
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == '+' }) {
		name, value, _ := strings.Cut(pair, ":")
		m[name] = value
	}
	return m
}

func (p *parser) gone(text string) history.Gone {
	if text == "expired" {
		return history.NotFound
	}
	return history.Gone(text)
}

func (p *parser) split(f []string) history.Split {
	parts := append(strings.Split(f[1], "-"), "?")
	s := history.Split{From: p.time(parts[0]), Until: p.time(parts[1]), Merged: p.time(parts[2])}
	for _, side := range strings.Split(f[2], "|") {
		s.Sides = append(s.Sides, strings.Split(side, ","))
	}
	if len(f) > 3 {
		s.Parted = p.time(strings.TrimPrefix(f[3], "parted="))
	}
	return s
}

func (p *parser) conflict(f []string) history.Conflict {
	c := history.Conflict{Node: "n1"}
	c.Session, c.Attr, _ = strings.Cut(f[1], ".")
	for _, m := range f[2:] {
		switch k, v, _ := strings.Cut(m, "="); k {
		case "lost":
			c.Lost = v
		case "kept":
			c.Kept = v
		}
	}
	return c
}

func (p *parser) final(f []string) history.Final {
	from, until := p.times(f[1])
	r := history.Final{Invoked: from, Returned: until, Node: f[2], Session: f[3]}
	switch what := append(f, "")[4]; {
	case what == "error":
		r.Error = "no answer"
	case strings.HasPrefix(what, "gone="):
		r.Gone = p.gone(strings.TrimPrefix(what, "gone="))
	default:
		r.Attrs = p.attrs(what)
	}
	return r
}

func (p *parser) operation(f []string) history.Operation {
	var o history.Operation
	o.Invoked, o.Returned = p.times(f[0])
	o.Client, o.Kind, o.Outcome, o.Workload = f[1], history.Kind(f[2]), history.Outcome(f[4]), "w"
	target, input, _ := strings.Cut(f[3], "=")
	o.Input = input
	o.Session, o.Attr, _ = strings.Cut(target, ".")
	if o.Session == "-" {
		o.Session = ""
	}
	if o.Outcome == history.OK && !o.Reads() {
		o.Copies = 2
	}
	for _, m := range f[5:] {
		p.more(&o, m)
	}
	return o
}

func (p *parser) more(o *history.Operation, m string) {
	k, v, _ := strings.Cut(m, "=")
	switch k {
	case "copies":
		o.Copies = p.number(v)
	case "node":
		o.Node = v
	case "out":
		o.Output = v
	case "seen":
		o.Seen = p.attrs(v)
	case "listed":
		o.Listed = strings.Split(v, "+")
	case "gone":
		o.Gone = p.gone(v)
	case "token":
		o.Token = v
	case "granted":
		o.Granted = v
	case "stamp":
		o.Stamp = v
	case "idle":
		o.Idle = p.time(v)
	case "life":
		o.Lifetime = p.time(v)
	case "notafter":
		o.NotAfter = p.time(v)
	case "peek":
		o.Peek = true
	default:
		p.fail("unknown word " + k)
	}
}

// scenario is one history and what a checker has to say about it.
type scenario struct {
	name   string
	text   string
	want   Result
	says   string // in the first violation, or in the first thing left open
	looked int    // if not zero
	found  int    // if not zero
	excuse int
	limits Limits
}

// judge runs scenarios through one checker.
func judge(t *testing.T, check func(*Judge) Verdict, scenarios []scenario) {
	t.Helper()
	results := make(map[Result]bool)
	for _, s := range scenarios {
		results[s.want] = true
		t.Run(s.name, func(t *testing.T) {
			j, err := New(parse(t, s.text), s.limits)
			if err != nil {
				t.Fatal(err)
			}
			v := check(j)
			if v.Result != s.want || v.Excused != s.excuse || s.looked > 0 && v.Looked != s.looked || s.found > 0 && v.Found != s.found {
				t.Errorf("got %v (looked %d, excused %d, found %d: %+v), want %s (looked %d, excused %d, found %d)",
					v.String(), v.Looked, v.Excused, v.Found, v.Violations, s.want, s.looked, s.excuse, s.found)
			}
			said := append(slices.Clone(v.Open), "")[0]
			if v.Found > 0 {
				said = v.Violations[0].Text
			}
			if !strings.Contains(said, s.says) {
				t.Errorf("it says %q, want %q in it", said, s.says)
			}
		})
	}
	if !results[OK] || !results[Violated] || !results[Nothing] {
		t.Error("the scenarios want no ok, no violation, or no history without anything to judge")
	}
}
