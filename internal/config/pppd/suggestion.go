package pppd

import (
	"slices"
	"strings"
	"unicode"

	"upppoe/internal/config/similar"
)

// suggestion returns the option that is most similar to a misspelt word; empty if none is similar.
func (r *Reader) suggestion(word string) string {
	return similar.To(word, r.optionNames())
}

// optionNames returns the options that have an effect.
func (r *Reader) optionNames() (names []string) {
	for _, g := range groups {
		for i := range g.options {
			if o := &g.options[i]; o.status == honoured && o.allowed(r.Role) {
				names = append(names, o.name)
			}
		}
	}
	return names
}

// MisspeltCommand returns the one of a program's subcommands to which the first word of its command line is
// similar; empty if the word is or may be an option, addresses or an interface.
func (r *Reader) MisspeltCommand(word string, commands []string) string {
	if byName[word] != nil || strings.ContainsFunc(word, func(c rune) bool { return !unicode.IsLetter(c) }) || r.isInterface(word) {
		return ""
	}
	near := similar.To(word, append(r.optionNames(), commands...))
	if !slices.Contains(commands, near) {
		return ""
	}
	return near
}
