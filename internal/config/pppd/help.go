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
	fmt.Fprintf(w, "  %-28s %s%s\n", strings.TrimSpace(o.Name+" "+o.Arg), note, o.Help)
}
