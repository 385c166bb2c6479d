package pppd

import (
	"fmt"
	"io"
	"strings"
)

// ParsedOption is an option as it was read.
type ParsedOption struct {
	Name, Value string
	Where       string // FILE:LINE; empty: the command line
}

// redact is a value that may be printed.
func redact(o *option, value string) string {
	if isSecret(o) {
		return hidden
	}
	return value
}

// WriteDump writes all options in the order in which they were read, as pppd's dump
// does, each with where it stands. Passwords are not shown.
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
