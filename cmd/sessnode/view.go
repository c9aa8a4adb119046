package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sessnode/sessnode/replica"
)

// valueLenShown is how many bytes of a value are shown unless the whole of it is asked for.
const valueLenShown = 256

// sessionView is a session as `sessnode get -json` prints it. Fields may be added, none changes its meaning.
type sessionView struct {
	App     string       `json:"app"`
	ID      string       `json:"id"`
	Slot    uint32       `json:"slot"`
	Epoch   uint64       `json:"epoch"`
	Primary memberView   `json:"primary"` // acting; no name while there is none
	Backups []memberView `json:"backups"` // acting, first to take over first; never nil

	Created     time.Time       `json:"created"`
	Changed     time.Time       `json:"changed"` // by the stamp, which may run a little ahead of the clocks
	Stamp       string          `json:"stamp"`
	IdleSeconds float64         `json:"idle_seconds"`         // since the last access that was replicated
	IdleMax     float64         `json:"idle_timeout_seconds"` // 0: none
	Ends        time.Time       `json:"ends"`                 // absolute deadline
	Attributes  []attributeView `json:"attributes"`           // by name; never nil
}

type memberView struct {
	Name    string `json:"name"`
	Boot    string `json:"boot"`
	Address string `json:"address"`
	Zone    string `json:"zone,omitempty"`
}

// attributeView is an attribute: its value as text if it can be printed, else as hexadecimal digits.
type attributeView struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"` // of the value
	Text  string `json:"text,omitempty"`
	Hex   string `json:"hex,omitempty"`
	Cut   bool   `json:"cut,omitempty"` // text or hex is only the beginning
}

// viewOf describes a session. mono is the instant that the session's last access compares with; of values no more than
// valueLen bytes are shown, if that is not negative.
func viewOf(s *replica.Session, where replica.Location, now time.Time, mono time.Duration, valueLen int) sessionView {
	v := sessionView{
		App: s.Key.App, ID: s.Key.ID,
		Slot: where.Slot, Epoch: where.Epoch, Primary: viewOfMember(where.Primary), Backups: []memberView{},
		Created:     time.UnixMilli(s.Born.Wall()).UTC(),
		Changed:     time.UnixMilli(s.Stamp.Wall()).UTC(),
		Stamp:       s.Stamp.String(),
		IdleSeconds: max(0, min(mono-s.Accessed, now.Sub(time.UnixMilli(s.Born.Wall())))).Round(time.Millisecond).Seconds(),
		IdleMax:     s.Settings.Idle.Seconds(),
		Ends:        time.UnixMilli(s.Settings.Deadline).UTC(),
		Attributes:  []attributeView{},
	}
	for _, m := range where.Backups {
		v.Backups = append(v.Backups, viewOfMember(m))
	}
	for _, a := range s.Attrs {
		if !a.Deleted {
			v.Attributes = append(v.Attributes, viewOfAttribute(a, valueLen))
		}
	}
	return v
}

func viewOfMember(m replica.Member) memberView {
	if m.Name == "" {
		return memberView{}
	}
	return memberView{Name: m.Name, Boot: m.Boot.String(), Address: m.Addr, Zone: m.Zone}
}

func viewOfAttribute(a *replica.Attr, valueLen int) attributeView {
	v := attributeView{Name: a.Name, Bytes: len(a.Value)}
	shown := a.Value
	if valueLen >= 0 && len(shown) > valueLen {
		shown, v.Cut = shown[:valueLen], true
	}
	if text := printable(shown, v.Cut); text != "" || len(shown) == 0 {
		v.Text = text
	} else {
		v.Hex = hex.EncodeToString(shown)
	}
	return v
}

// printable is a value as text, or "" when a terminal could not show it as it is. A value that was cut may end within a
// character, which is left out.
func printable(value []byte, cut bool) string {
	for end := len(value); cut && end > 0 && end > len(value)-utf8.UTFMax; end-- {
		if utf8.Valid(value[:end]) {
			value = value[:end]
			break
		}
	}
	text := string(value)
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return text
}

// printSession prints a session for people; its id is shortened, as screens are shared.
func printSession(w io.Writer, v sessionView) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "session\t%s of %s\n", replica.ShortID(v.ID), v.App)
	fmt.Fprintf(t, "slot\t%d, epoch %d\n", v.Slot, v.Epoch)
	fmt.Fprintf(t, "primary\t%s\n", v.Primary)
	fmt.Fprintf(t, "backups\t%s\n", joined(v.Backups))
	fmt.Fprintf(t, "created\t%s\n", v.Created.Local().Format(time.DateTime))
	fmt.Fprintf(t, "changed\t%s, stamp %s\n", v.Changed.Local().Format(time.DateTime), v.Stamp)
	fmt.Fprintf(t, "idle\t%s of %s\n", seconds(v.IdleSeconds), orNever(v.IdleMax))
	fmt.Fprintf(t, "ends\t%s at the latest\n", v.Ends.Local().Format(time.DateTime))
	if err := t.Flush(); err != nil || len(v.Attributes) == 0 {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "ATTRIBUTE\tBYTES\tVALUE")
	for _, a := range v.Attributes {
		fmt.Fprintf(t, "%q\t%d\t%s\n", a.Name, a.Bytes, a)
	}
	return t.Flush()
}

// String is the member's name and address.
func (m memberView) String() string {
	if m.Name == "" {
		return "none at the moment"
	}
	return m.Name + " at " + m.Address
}

// String is the value, an ellipsis behind it when it goes on.
func (a attributeView) String() string {
	text := a.Text
	if a.Hex != "" {
		text = "hex " + a.Hex
	}
	if a.Cut {
		text += "…"
	}
	return text
}

func joined(members []memberView) string {
	if len(members) == 0 {
		return "none at the moment"
	}
	var names []string
	for _, m := range members {
		names = append(names, m.String())
	}
	return strings.Join(names, ", ")
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond)
}

func orNever(s float64) string {
	if s == 0 {
		return "no limit"
	}
	return seconds(s).String()
}
