package pppd

import (
	"fmt"
	"io"
	"strings"
)

// WriteHelp writes what options a role has, from the table.
func WriteHelp(w io.Writer, r Role) {
	for _, g := range groups {
		if g.title == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n", g.title)
		for _, list := range [][]option{g.bare, g.options} {
			for i := range list {
				if o := &list[i]; o.allowed(r) {
					o.writeHelp(w)
				}
			}
		}
	}
	fmt.Fprintf(w, "\nOptions %s are taken and have no effect.\n", noSerial)
}

func (o *option) writeHelp(w io.Writer) {
	note := ""
	switch o.status {
	case ignored, refused:
		return
	case noticed:
		note = "(no effect) "
	}
	fmt.Fprintf(w, "  %-28s %s%s\n", strings.TrimSpace(o.name+" "+o.kind.arg), note, o.help)
}
