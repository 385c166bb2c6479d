package top

import (
	"fmt"
	"strings"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
	"upppoe/internal/mgmt/table"
)

const serverHelp = `up, down, PgUp, PgDn, Home, End   select a session
left, right                       sort by the column to the left or right
r                                 reverse the order
/                                 show sessions with a text: user, address, VLAN, circuit ID, ...; Esc: all
Enter                             show all that is known of the selected session
d                                 disconnect the selected session, after a question
p, space                          stop reading the server, and go on
?                                 this help
q, Ctrl-C                         quit

UP, DOWN: rates now in bit/s. IN, OUT: octets from and to the client. RTT: in ms, by LCP echo.`

const serverKeys = "? help  / filter  Enter details  d disconnect  p pause  left right sort  r reverse  q quit"

func (v *serverView) lines(width, height int) []Line {
	if v.last == nil {
		return fit(v.withoutSample(), width, height)
	}
	lines := append(v.totals.lines(), v.condition())
	v.rows = max(0, height-len(lines)-1)
	switch v.mode {
	case details:
		lines = append(lines, v.visible(v.detailLines(width))...)
	case help:
		lines = append(lines, v.visible(wrap(serverHelp, width))...)
	default:
		lines = append(lines, v.tableLines(width)...)
	}
	return fit(append(lines, v.bottom()), width, height)
}

// withoutSample is shown before the first sample.
func (v *serverView) withoutSample() []Line {
	if v.err != nil {
		return []Line{{v.err.Error(), Alarm}, {Text: "q quit"}}
	}
	return []Line{{Text: "reading the server ..."}, {Text: "q quit"}}
}

// condition says what is shown, or why nothing new is.
func (v *serverView) condition() Line {
	if v.err != nil {
		return Line{"not up to date: " + v.err.Error(), Alarm}
	}
	column, order := sessiontable.Columns[v.sort], "smallest first"
	if column.Right != v.reverse {
		order = "largest first"
	}
	parts := []string{fmt.Sprintf("by %s, %s", column.Title, order)}
	if v.filter != "" || v.mode == filtering {
		parts = append(parts, fmt.Sprintf("%d of %d match", len(v.shown), len(v.all)))
	}
	if v.paused {
		parts = append(parts, "paused at "+v.last.At.Format("15:04:05"))
	} else if wait := v.pause(); wait > v.cfg.Interval {
		parts = append(parts, fmt.Sprintf("read every %.1f s, as reading takes long", wait.Seconds()))
	}
	return Line{Text: strings.Join(parts, "; ")}
}

// tableLines returns the header and the rows that there is room for.
func (v *serverView) tableLines(width int) (lines []Line) {
	v.rows = max(0, v.rows-1) // the header
	row := v.row()
	if row >= 0 {
		v.offset = min(max(v.offset, row-v.rows+1), row)
	}
	v.offset = max(0, min(v.offset, len(v.shown)-v.rows))
	shown := v.shown[v.offset:min(len(v.shown), v.offset+v.rows)]
	var b strings.Builder
	columns, rows := v.cells(shown)
	table.Write(&b, width, columns, rows) // a strings.Builder has no errors
	for text := range strings.Lines(b.String()) {
		lines = append(lines, Line{Text: strings.TrimSuffix(text, "\n")})
	}
	lines[0].Style = Bold
	if at := row - v.offset + 1; row >= 0 && at < len(lines) {
		lines[at].Style = Reverse
	}
	return lines
}

// detailLines returns all that is known of the selected session.
func (v *serverView) detailLines(width int) []string {
	s := v.all[v.selected]
	if s == nil {
		return []string{"The session has ended."}
	}
	var b strings.Builder
	sessiontable.WriteDetails(&b, s)
	return wrap(b.String(), width)
}

// visible returns the lines that there is room for.
func (v *serverView) visible(texts []string) (lines []Line) {
	lines, v.offset = page(normal(texts), v.offset, v.rows)
	return lines
}

// bottom is the last line: a question, the filter, the result of an action, or the keys.
func (v *serverView) bottom() Line {
	switch {
	case v.mode == confirming:
		return Line{fmt.Sprintf("Disconnect session %d%s? y: yes, any other key: no", v.target, whose(v.all[v.target])), Bold}
	case v.mode == filtering:
		return Line{"/" + v.filter + "_   Enter: keep, Esc: show all", Bold}
	case v.message != "":
		return Line{v.message, Bold}
	case v.mode == details:
		return Line{Text: "Esc back  d disconnect  q back"}
	case v.mode == help:
		return Line{Text: "Esc back"}
	case v.filter != "":
		return Line{Text: "/" + v.filter + "   Esc: show all  ? help  q quit"}
	}
	return Line{Text: serverKeys}
}

// whose describes a session in a question; nil: it has ended.
func whose(s *servercontrol.Session) string {
	if s == nil {
		return " (it has ended)"
	}
	return fmt.Sprintf(" of %s, %s on %s", known(s.User), s.MAC, s.Attachment)
}
