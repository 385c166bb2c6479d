package pppd

import (
	"fmt"
	"io"
	"strings"
)

// WriteHelp writes the options of a role, with their help.
func WriteHelp(w io.Writer, r Role) {
	for _, g := range Options(r) {
		if g.Title == "" || len(g.Options) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n", g.Title)
		for _, o := range g.Options {
			o.writeHelp(w)
		}
	}
	fmt.Fprintf(w, "\nOptions %s are accepted and ignored.\n", noSerial)
}

// WriteOptions writes all options that a role accepts, including ignored ones, with all their names.
func WriteOptions(w io.Writer, r Role) {
	for _, g := range Options(r) {
		for _, o := range g.Options {
			if o.Status == Refused {
				continue
			}
			for _, name := range append([]string{o.Name}, o.Also...) {
				fmt.Fprintf(w, "%-28s %s\n", strings.TrimSpace(name+" "+o.Arg), o.Help)
			}
		}
	}
}

func (o *Option) writeHelp(w io.Writer) {
	note := ""
	switch o.Status {
	case Ignored, Refused:
		return
	case Warned:
		note = "(ignored) "
	}
	WriteHelpLine(w, strings.TrimSpace(o.Name+" "+o.Arg), note+o.Help)
}

// Columns of the help: where texts begin, and the width.
const (
	textColumn = 31
	columns    = 100
)

// WriteHelpLine writes a term of the help and its text, which is broken into lines.
func WriteHelpLine(w io.Writer, term, text string) {
	line := fmt.Sprintf("  %-*s", textColumn-3, term)
	for word := range strings.FieldsSeq(text) {
		if len(line) > textColumn && len(line)+1+len(word) > columns {
			fmt.Fprintln(w, line)
			line = strings.Repeat(" ", textColumn-1)
		}
		line += " " + word
	}
	fmt.Fprintln(w, line)
}
