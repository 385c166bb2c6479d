package pppd

import (
	"fmt"
	"io"
	"strings"
)

// Given is an option as it was read.
type Given struct {
	Name, Value string
	Where       string // FILE:LINE; empty: the command line
}

// shown is a value that may be printed.
func shown(o *option, value string) string {
	if isSecret(o) {
		return hidden
	}
	return value
}

// WriteGiven writes all options in the order in which they were read, as pppd's dump
// does, each with where it stands. Passwords are not shown.
func (s *Settings) WriteGiven(w io.Writer) {
	fmt.Fprintln(w, "options that were read, the last of a kind counts:")
	for _, g := range s.Given {
		where := g.Where
		if where == "" {
			where = "command line"
		}
		fmt.Fprintf(w, "%-40s # %s\n", strings.TrimSpace(g.Name+" "+g.Value), where)
	}
}
