package pppd

import (
	"fmt"
	"io"
	"strings"
)

// ParsedOption is an option as it was read, with its place.
type ParsedOption struct {
	Name, Value string
	Where       string // FILE:LINE; empty: the command line
}

// redact returns the value of an option for printing: passwords are hidden.
func redact(o *option, value string) string {
	if isSecret(o) {
		return hidden
	}
	return value
}

// WriteDump writes all options in the order in which they were read, each with its place, as pppd's
// option dump does. Passwords are hidden.
func (s *Settings) WriteDump(w io.Writer) {
	fmt.Fprintln(w, "options that were read, the last of a kind counts:")
	for _, g := range s.Parsed {
		where := g.Where
		if where == "" {
			where = "command line"
		}
		fmt.Fprintf(w, "%-40s # %s\n", strings.TrimSpace(g.Name+" "+g.Value), where)
	}
}
