// Package accelppp translates the configuration file of accel-ppp (accel-ppp.conf(5)) into that of this
// server. What has no counterpart is said in notes, with the line.
package accelppp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe"
)

// Note says what has no counterpart, or differs.
type Note struct {
	Line int // from 1; 0: the file as a whole
	Text string
}

// entry is a line of the file: KEY=VALUE, or a word alone.
type entry struct {
	section, key, value string
	line                int
}

// parse returns the entries of a file. Lines that begin with # are comments.
func parse(text string) (entries []entry, notes []Note) {
	section, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok {
			name, _, closed := strings.Cut(name, "]")
			if section = strings.TrimSpace(name); !closed {
				notes = append(notes, Note{number, "a section without ]"})
			}
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		entries = append(entries, entry{section, strings.TrimSpace(key), strings.TrimSpace(value), number})
	}
	return entries, notes
}

// translation is a file that is being translated.
type translation struct {
	c       *serverconfig.Config
	notes   []Note
	at      int // the line of the entry
	modules []string
	// services are added at the end: they have the policy of all sessions.
	services  []string
	noAuth    bool
	local     string // of [ip-pool], and then of [chap-secrets]
	pools     []pppoe.AddressPool
	v6        bool // [ppp] ipv6
	coaSecret string
	skipped   []skipped
	max       string // [common] max-sessions
}

func (t *translation) note(format string, args ...any) {
	t.notes = append(t.notes, Note{t.at, fmt.Sprintf(format, args...)})
}

// set sets a key; an invalid value becomes a note.
func (t *translation) set(key string, value any) {
	if err := t.c.Set(key, value); err != nil {
		problems := serverconfig.Problems(nil)
		errors.As(err, &problems)
		t.note("%s: %s", key, problems[0].Found)
	}
}

// Translate translates the text of a file. It does not look at the host. Notes are in the order of lines.
func Translate(text string) (*serverconfig.Config, []Note) {
	entries, notes := parse(strings.ToValidUTF8(text, "?"))
	t := &translation{c: serverconfig.Default(), notes: notes}
	for _, e := range entries {
		t.at = e.line
		t.entry(e)
	}
	t.at = 0
	t.finish()
	t.noteSkipped()
	slices.SortStableFunc(t.notes, func(a, b Note) int { return a.Line - b.Line })
	c := t.c.Canonical()
	for _, p := range c.Check() {
		t.notes = append(t.notes, Note{0, strings.TrimPrefix(p.String(), ": ")})
	}
	return c, t.notes
}

// entry translates one entry, or notes that it has no counterpart.
func (t *translation) entry(e entry) {
	name := e.section + "." + e.key
	if h, ok := handlers[name]; ok {
		h(t, e.value)
		return
	}
	why, ok := useless[name]
	if h := sectionHandlers[e.section]; !ok && h != nil {
		h(t, e)
		return
	}
	if !ok {
		why, ok = uselessSections[e.section]
	}
	switch {
	case !ok:
		t.skip(e, ": no counterpart")
	case why != builtIn:
		t.skip(e, ": "+why)
	}
}

// skipped are the keys of a section for which a note has the same reason.
type skipped struct {
	section, why string
	line         int // of the first
	keys         []string
}

// maxKeys is how many keys a note names.
const maxKeys = 12

// skip records a key for a note.
func (t *translation) skip(e entry, why string) {
	i := slices.IndexFunc(t.skipped, func(s skipped) bool { return s.section == e.section && s.why == why })
	if i < 0 {
		i, t.skipped = len(t.skipped), append(t.skipped, skipped{section: e.section, why: why, line: e.line})
	}
	if s := &t.skipped[i]; !slices.Contains(s.keys, e.key) {
		s.keys = append(s.keys, e.key)
	}
}

// noteSkipped notes which keys have no counterpart, those with one reason together.
func (t *translation) noteSkipped() {
	for _, s := range t.skipped {
		keys, more := s.keys, ""
		if n := len(keys) - maxKeys; n > 0 {
			keys, more = keys[:maxKeys], fmt.Sprintf(" and %d more", n)
		}
		t.notes = append(t.notes, Note{s.line, fmt.Sprintf("[%s] %s%s%s", s.section, strings.Join(keys, ", "), more, s.why)})
	}
}

// finish sets what depends on several entries.
func (t *translation) finish() {
	if t.local != "" {
		t.set("ipv4.local-address", t.local)
	}
	t.c.Options.NoIPv6 = !t.v6
	t.addCoAClients()
	for _, name := range t.services {
		if err := t.c.AddService(name); err != nil {
			t.note("service-name %q: %v", name, err)
		}
	}
	switch methods := t.methods(); {
	case t.noAuth:
		t.set("authentication.methods", []string{})
	case len(methods) > 0:
		t.set("authentication.methods", methods)
	}
	t.skipLocal()
	t.setPools()
}

// methods returns the methods of authentication of the modules.
func (t *translation) methods() (names []string) {
	for _, m := range t.modules {
		if name := methodOf[m]; name != "" {
			names = append(names, name)
		}
	}
	return names
}
