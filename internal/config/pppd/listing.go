package pppd

import "strings"

// Status is how an option is treated.
type Status = status

// Statuses of options.
const (
	Honoured = honoured
	Warned   = warned  // ignored with a warning
	Ignored  = ignored // ignored without a warning
	Refused  = refused // an error
)

// Option is a row of the table of options, for help and manuals.
type Option struct {
	Name   string
	Also   []string // aliases
	Arg    string   // the name of its value; empty if it takes none
	Status Status
	Help   string // what it does; unless Honoured, the reason
}

// Group is a group of related options, in the order of the help. Title is empty for options of serial
// lines, which are ignored.
type Group struct {
	Title   string
	Options []Option
}

// Options returns the options of a role, from the table that Reader uses.
func Options(r Role) (all []Group) {
	for _, g := range groups {
		listed := Group{Title: g.title}
		for _, list := range [][]option{g.positional, g.options} {
			for i := range list {
				if o := &list[i]; o.allowed(r) {
					listed.Options = append(listed.Options, Option{o.name, strings.Fields(o.also), o.kind.arg, o.status, o.helpFor(r)})
				}
			}
		}
		all = append(all, listed)
	}
	return all
}
