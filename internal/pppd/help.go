package pppd

import (
	"fmt"
	"io"
	"strings"
)

// groups are the table's, in the order of the help.
var groups = []struct{ name, title string }{
	{"line", "The line"},
	{"authentication", "Who is who"},
	{"link", "The link (LCP)"},
	{"network", "Addresses (IPCP, IPv6CP)"},
	{"program", "Device, routes, and the program"},
}

// WriteHelp writes what options a role has, from the table.
func WriteHelp(w io.Writer, r Role) {
	for _, g := range groups {
		fmt.Fprintf(w, "\n%s:\n", g.title)
		for _, o := range table {
			if o.group == g.name && o.allowed(r) && o.status != refused {
				fmt.Fprintf(w, "  %-28s %s\n", strings.TrimSpace(o.name+" "+o.args), o.note()+o.help)
			}
		}
	}
	fmt.Fprint(w, "\nOptions for serial lines, modems and compression are taken and have no effect.\n")
}

func (o option) note() string {
	if o.status == later || o.status == ignored {
		return "(no effect) "
	}
	return ""
}

// suggestion names the option that a misspelt word is nearest to.
func suggestion(word string, r Role) string {
	best, least := "", 3
	for _, o := range table {
		if d := distance(word, o.name, least); o.allowed(r) && o.group != "ignored" && d < least {
			best, least = o.name, d
		}
	}
	if best != "" {
		return fmt.Sprintf(" (did you mean %q?)", best)
	}
	if r == Client {
		return ", nor is there an interface of that name"
	}
	return ""
}

// distance is how many letters must be changed, added or left out, if fewer than
// limit.
func distance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
