package serverconfig

import (
	"fmt"
	"slices"
	"strings"

	"upppoe/internal/config/similar"
)

// section is a section of the file: a table, or a list of tables. Each is in a file of its own,
// section_NAME.go, and in the list sections.
type section interface {
	// title returns the section's name, whether there may be several ([[NAME]]), and its help.
	title() (name string, several bool, help string)
	// read parses the section. What is wrong is reported.
	read(c *Config, v value, r *report)
	// write appends the section with the keys that differ from their defaults, or with all.
	write(c *Config, w *writer)
	// rows returns the keys for the manual.
	rows() []row
	// keep copies the values that a running server cannot change, and returns the keys that differ.
	keep(to, from *Config) []string
	// copy copies the section's values, each in the form that reading it would store.
	copy(to, from *Config)
}

// row is a key without its type.
type row struct{ name, stands, help, arg, want, usual string }

// sections are all sections, in the order of the manual and of a written file.
var sections = []section{
	serverSection,
	interfaceSection,
	deviceSection,
	sessionsSection,
	pppSection,
	ipv4Section,
	poolSection,
	ipv6Section,
	ipv6PoolSection,
	authenticationSection,
	radiusSection, radiusServerSection, radiusPolicySection, radiusAttributeSection, accountingSection, coaSection, coaClientSection,
	policySection,
	serviceSection, // after policy, from which it begins
	accessSection,
	scriptsSection,
	logSection,
	captureSection,
	stateSection,
	metricsSection,
	webSection,
	controlSection,
	clusterSection,
}

// single is a section that is one table.
type single[E any] struct {
	name, help string
	of         func(*Config) *E
	keys       []key[E]
}

// repeated is a section that is a list of tables ([[NAME]]), one for each E.
type repeated[E any] struct {
	name, help string
	of         func(*Config) *[]E
	fresh      func(*Config) E // the default of one
	keys       []key[E]
	required   []string // keys that each must have
}

func (s single[E]) title() (string, bool, string)   { return s.name, false, s.help }
func (s repeated[E]) title() (string, bool, string) { return s.name, true, s.help }

func (s single[E]) read(c *Config, v value, r *report) {
	t, ok := v.data.(*table)
	if !ok {
		r.errorAt(v.line, s.name, "found "+v.String(), fmt.Sprintf("a section: [%s] alone on a line, and its keys after it", s.name))
		return
	}
	readKeys(s.of(c), s.of(Default()), s.keys, t, s.name, r)
}

func (s repeated[E]) read(c *Config, v value, r *report) {
	items, ok := v.data.([]value)
	if t, one := v.data.(*table); one {
		r.errorAt(v.line, s.name, "one pair of brackets", fmt.Sprintf("[[%s]], as there may be several", s.name))
		items, ok = []value{{t, v.line}}, true
	}
	if !ok {
		r.errorAt(v.line, s.name, "found "+v.String(), fmt.Sprintf("a section: [[%s]] alone on a line, and its keys after it", s.name))
		return
	}
	for i, item := range items {
		t, ok := item.data.(*table)
		if !ok {
			r.errorAt(item.line, s.name, "found "+item.String(), fmt.Sprintf("[[%s]]", s.name))
			continue
		}
		at := itemPath(s.name, i)
		r.lines[at] = t.line
		e := s.fresh(c)
		usual := s.fresh(c)
		readKeys(&e, &usual, s.keys, t, at, r)
		for _, name := range s.required {
			if _, has := t.entries[name]; !has {
				r.errorAt(t.line, at, "the key "+name+" is missing", keyWant(s.keys, name))
			}
		}
		*s.of(c) = append(*s.of(c), e)
	}
}

// itemPath returns the path of an item of a list, from 0, in messages: interface[1] is the first.
func itemPath(name string, i int) string { return fmt.Sprintf("%s[%d]", name, i+1) }

func keyWant[E any](keys []key[E], name string) string {
	for _, k := range keys {
		if k.name == name {
			_, want, _ := k.describe()
			return want
		}
	}
	return ""
}

// readKeys parses the keys of a table. usual has their defaults.
func readKeys[E any](e, usual *E, keys []key[E], t *table, at string, r *report) {
	for _, name := range t.order {
		v := t.entries[name]
		i := slices.IndexFunc(keys, func(k key[E]) bool { return k.name == name })
		if i < 0 {
			r.unknownKey(v.line, at, name, keyNames(keys))
			continue
		}
		r.lines[at+"."+name] = v.line
		if err := keys[i].set(e, v); err != nil {
			r.invalid(at+"."+name, v, err, keys[i].describe)
		} else if keys[i].text(e) != keys[i].text(usual) {
			r.changed = append(r.changed, at+"."+name)
		}
	}
}

func keyNames[E any](keys []key[E]) (names []string) {
	for _, k := range keys {
		names = append(names, k.name)
	}
	return names
}

func (s single[E]) keep(to, from *Config) (changed []string) {
	for _, k := range s.keys {
		if k.isFixed() && k.text(s.of(to)) != k.text(s.of(from)) {
			k.copy(s.of(to), s.of(from))
			changed = append(changed, s.name+"."+k.name)
		}
	}
	return changed
}

// keep keeps a list whose first key is fixed as a whole.
func (s repeated[E]) keep(to, from *Config) (changed []string) {
	if !s.keys[0].isFixed() {
		return nil
	}
	var w [2]writer
	s.write(to, &w[0])
	s.write(from, &w[1])
	if w[0].out.String() != w[1].out.String() {
		*s.of(to) = *s.of(from)
		changed = append(changed, s.name)
	}
	return changed
}

func (s single[E]) copy(to, from *Config) {
	for _, k := range s.keys {
		k.copy(s.of(to), s.of(from))
	}
}

func (s repeated[E]) copy(to, from *Config) {
	all := *s.of(from)
	for i := range all {
		e := s.fresh(to)
		for _, k := range s.keys {
			k.copy(&e, &all[i])
		}
		*s.of(to) = append(*s.of(to), e)
	}
}

func (s single[E]) rows() []row { return rowsOf(s.keys, s.of(Default())) }

func (s repeated[E]) rows() []row {
	e := s.fresh(Default())
	return rowsOf(s.keys, &e)
}

func rowsOf[E any](keys []key[E], usual *E) (rows []row) {
	for _, k := range keys {
		arg, want, _ := k.describe()
		rows = append(rows, row{k.name, k.stands, k.explanation(), arg, want, k.text(usual)})
	}
	return rows
}

// unknownKey reports a key that the section does not have.
func (r *report) unknownKey(line int, at, name string, known []string) {
	expected := "one of " + strings.Join(known, ", ")
	if near := similar.To(name, known); near != "" {
		expected = "the key " + near + ", if you mean that"
	} else if others := sectionsWith(name); len(others) > 0 {
		expected = "it in " + strings.Join(others, " or ")
	}
	r.errorAt(line, strings.TrimPrefix(at+"."+name, "."), "unknown key", expected)
}

// sectionsWith returns the sections that have a key.
func sectionsWith(key string) (names []string) {
	for _, s := range sections {
		name, several, _ := s.title()
		if slices.ContainsFunc(s.rows(), func(r row) bool { return r.name == key }) {
			names = append(names, header(name, several))
		}
	}
	return names
}

// header returns the line that begins a section.
func header(name string, several bool) string {
	if several {
		return "[[" + name + "]]"
	}
	return "[" + name + "]"
}

// KeepFixed copies from another configuration what a running server cannot change, and returns the paths
// of the keys that differed.
func (c *Config) KeepFixed(from *Config) (changed []string) {
	for _, s := range sections {
		changed = append(changed, s.keep(c, from)...)
	}
	return append(changed, c.keepRADIUS(from)...)
}

// Canonical returns a copy in which each value has the form that reading it from a file would store, so
// that configurations of the same meaning are equal. What no key stands for is not in it.
func (c *Config) Canonical() *Config {
	to := Default()
	for _, s := range sections {
		s.copy(to, c)
	}
	return to
}
