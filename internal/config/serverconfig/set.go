package serverconfig

import (
	"slices"
	"strings"
)

// Set sets a key, given by its path like ipv4.local-address, to a string, an int, a bool or a []string. The
// error is of type Problems. It panics if there is no such key, or it is one of a list of tables.
func (c *Config) Set(path string, data any) error {
	name, key, _ := strings.Cut(path, ".")
	i := slices.IndexFunc(sections, func(s section) bool { n, several, _ := s.title(); return n == name && !several })
	t := newTable(0)
	t.set(key, valueFrom(data))
	r := &report{lines: make(map[string]int)}
	sections[i].read(c, value{t, 0}, r)
	return r.problems.Err()
}

// valueFrom returns a value as a file would have it.
func valueFrom(data any) value {
	switch d := data.(type) {
	case int:
		return value{int64(d), 0}
	case []string:
		var list []value
		for _, s := range d {
			list = append(list, value{s, 0})
		}
		return value{list, 0}
	}
	return value{data, 0}
}

// Stands returns the flags of rp-pppoe and the options of pppd for which a key stands, given by its path; a
// list of tables has an index, as in interface[1].name.
func Stands(path string) []string {
	name, key, _ := strings.Cut(path, ".")
	name, _, _ = strings.Cut(name, "[")
	for _, s := range sections {
		if n, _, _ := s.title(); n == name {
			for _, r := range s.rows() {
				if r.name == key {
					return strings.Fields(r.stands)
				}
			}
		}
	}
	return nil
}

// KeyFor returns the path of the key that stands for a flag of rp-pppoe or an option of pppd; empty: none
// does.
func KeyFor(flagOrOption string) string {
	for _, s := range sections {
		name, _, _ := s.title()
		for _, r := range s.rows() {
			if slices.Contains(strings.Fields(r.stands), flagOrOption) {
				return name + "." + r.name
			}
		}
	}
	return ""
}

// AddService adds a service with the policy of all sessions.
func (c *Config) AddService(name string) error {
	if serviceName(name) != nil {
		return errInvalid
	}
	s := serviceSection.fresh(c)
	s.Name = name
	c.Options.AddService(s)
	return nil
}
