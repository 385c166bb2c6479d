package serverconfig

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/similar"
)

// maxFile is the maximum size of a file, in octets.
const maxFile = 4 << 20

// Read reads a file. The problems are all that are found without looking at other files and the host,
// which ReadAndCheck does. The Config must not be used if one of them is an error.
func Read(file string) (*Config, Problems) {
	c, r := read(file)
	return c, r.problems
}

func read(file string) (*Config, *report) {
	text, openToOthers, err := pppd.ReadFile(file, maxFile)
	if err != nil {
		found := strings.TrimPrefix(err.Error(), "open "+file+": ")
		return nil, &report{problems: Problems{{File: file, Found: found, Expected: "the path of a configuration file, like " + DefaultPath}}}
	}
	c, r := parse(file, text)
	if openToOthers {
		c.warnOfSecrets(r)
		r.sort()
	}
	return c, r
}

// warnOfSecrets warns of secrets in a file that others can read or write.
func (c *Config) warnOfSecrets(r *report) {
	const found = "the file has world and/or group access: make it chmod 600, or give secret-file"
	for i, one := range c.RADIUS.Servers {
		if one.Secret != "" {
			r.warn(itemPath("radius-server", i)+".secret", found)
		}
	}
	for i, one := range c.RADIUS.CoAClients {
		if one.Secret != "" {
			r.warn(itemPath("coa-client", i)+".secret", found)
		}
	}
}

// Parse is Read for the text of a file.
func Parse(file, text string) (*Config, Problems) {
	c, r := parse(file, text)
	return c, r.problems
}

func parse(file, text string) (*Config, *report) {
	doc, problems := parseDocument(file, text)
	c, r := Default(), &report{file: file, lines: make(map[string]int), problems: problems}
	for _, s := range sections { // in this order, as services begin from the policy
		name, _, _ := s.title()
		if v, ok := doc.entries[name]; ok {
			r.lines[name] = v.line
			s.read(c, v, r)
		}
	}
	for _, name := range doc.order {
		if !isSection(name) {
			r.unknownSection(doc.entries[name], name)
		}
	}
	c = c.Canonical()
	if len(problems) == 0 { // else what is missing may be in a line that was left out
		c.check(r)
	}
	r.sort()
	return c, r
}

func isSection(name string) bool {
	return slices.ContainsFunc(sections, func(s section) bool { n, _, _ := s.title(); return n == name })
}

// report collects problems of a file.
type report struct {
	file     string
	lines    map[string]int // of keys, by their path, like interface[1].name
	changed  []string       // keys whose values are not the defaults, by their path
	problems Problems
}

func (r *report) errorAt(line int, key, found, expected string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Key: key, Found: found, Expected: expected})
}

// fail reports an error about a key, given by its path.
func (r *report) fail(key, found, expected string) {
	r.errorAt(r.lineOf(key), key, found, expected)
}

// warn reports a warning about a key.
func (r *report) warn(key, found string) {
	r.problems = append(r.problems, Problem{File: r.file, Line: r.lineOf(key), Key: key, Found: found, Warning: true})
}

// sort orders the problems: those of the file by line, and then those of others.
func (r *report) sort() {
	slices.SortStableFunc(r.problems, func(a, b Problem) int {
		if a.File != b.File && a.File == r.file {
			return -1
		}
		if a.File != b.File && b.File == r.file {
			return 1
		}
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line)
	})
}

// lineOf returns the line of a key, or else of its section; 0: neither is in the file.
func (r *report) lineOf(key string) int {
	if line, ok := r.lines[key]; ok {
		return line
	}
	section, _, _ := strings.Cut(key, ".")
	return r.lines[section]
}

// invalid reports an invalid value.
func (r *report) invalid(key string, v value, err error, describe func() (string, string, bool)) {
	_, want, secret := describe()
	found := v.String() + " is " + err.Error()
	item := itemError{}
	switch {
	case secret:
		found = "the value is not valid"
	case errors.As(err, &item):
		found, want, v = item.Error(), item.want, item.item
	case err != errInvalid && strings.Contains(err.Error(), v.String()):
		found = err.Error()
	case err != errInvalid:
		found = v.String() + ": " + err.Error()
	}
	if v.line == 0 {
		v.line = r.lineOf(key)
	}
	r.errorAt(v.line, key, found, want)
}

// unknownSection reports a section that does not exist, or a key before the first section.
func (r *report) unknownSection(v value, name string) {
	var known []string
	for _, s := range sections {
		n, _, _ := s.title()
		known = append(known, n)
	}
	near := similar.To(name, known)
	switch _, isTable := v.data.(*table); {
	case near != "":
		r.errorAt(v.line, name, "unknown section", "["+near+"], if you mean that")
	case !isTable && len(sectionsWith(name)) > 0:
		r.unknownKey(v.line, "", name, nil)
	default:
		r.errorAt(v.line, name, "unknown section", "one of "+strings.Join(known, ", "))
	}
}
