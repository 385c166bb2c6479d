package pppd

import "strings"

// Status is what becomes of an option.
type Status = status

// What becomes of options.
const (
	Honoured = honoured
	Warned   = warned  // taken without effect, and the log says so
	Ignored  = ignored // taken without effect
	Refused  = refused // an error
)

// Option is a row of the table, for those who write about it.
type Option struct {
	Name   string
	Also   []string // its other names
	Arg    string   // its value's name; empty: it takes none
	Status Status
	Help   string // what it does; unless it is honoured: why not
}

// Group are options that belong together, in the order of the help. Title is empty
// for those of other kinds of lines, which have no meaning here.
type Group struct {
	Title   string
	Options []Option
}

// Options are all that make sense for a role, from the table that they are read by.
func Options(r Role) (all []Group) {
	for _, g := range groups {
		listed := Group{Title: g.title}
		for _, list := range [][]option{g.positional, g.options} {
			for i := range list {
				if o := &list[i]; o.allowed(r) {
					listed.Options = append(listed.Options, Option{o.name, strings.Fields(o.also), o.kind.arg, o.status, o.help})
				}
			}
		}
		all = append(all, listed)
	}
	return all
}
