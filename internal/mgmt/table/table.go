// Package table writes tables that fit a terminal: columns are made narrower, and at last omitted, until
// they do.
package table

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"
)

// Column is a column of a table.
type Column struct {
	Title string
	Right bool // its texts are aligned to the right, as numbers are
	// Min is the width to which its texts may be truncated; 0: they are not.
	Min int
	// Rank says which columns are omitted first if the table is too wide: those with the highest. 0: it
	// never is.
	Rank int
}

// gap separates columns.
const gap = "  "

// truncated marks texts that were truncated.
const truncated = "…"

// Write writes a table with a header. A width of 0 is unlimited. It reports how many texts were
// truncated, and the titles of omitted columns. Texts must be printable.
func Write(w io.Writer, width int, columns []Column, rows [][]string) (cut int, omitted []string, err error) {
	l := newLayout(columns, rows)
	omitted = l.fit(width)
	out := bufio.NewWriter(w)
	header := make([]string, len(columns))
	for i, c := range columns {
		header[i] = c.Title
	}
	l.writeRow(out, header)
	for _, row := range rows {
		cut += l.writeRow(out, row)
	}
	return cut, omitted, out.Flush()
}

// layout is the width of each column; 0: it is omitted.
type layout struct {
	columns []Column
	widths  []int
}

func newLayout(columns []Column, rows [][]string) *layout {
	l := &layout{columns, make([]int, len(columns))}
	for i, c := range columns {
		l.widths[i] = Width(c.Title)
	}
	for _, row := range rows {
		for i, text := range row {
			l.widths[i] = max(l.widths[i], Width(text))
		}
	}
	return l
}

// total returns the width of the table.
func (l *layout) total() (n int) {
	for _, w := range l.widths {
		if w > 0 {
			n += w + len(gap)
		}
	}
	return n - len(gap)
}

// fit makes the table as narrow as a width, if it can: first by truncation, then by omission. It
// returns the titles of omitted columns.
func (l *layout) fit(width int) (omitted []string) {
	for width > 0 && l.total() > width {
		if l.narrow(l.total() - width) {
			continue
		}
		last := l.least()
		if last < 0 {
			return omitted
		}
		omitted = append(omitted, l.columns[last].Title)
		l.widths[last] = 0
	}
	return omitted
}

// narrow makes the widest column that may be truncated narrower by up to n, and reports whether there
// is one.
func (l *layout) narrow(n int) bool {
	widest, second := -1, 0
	for i, c := range l.columns {
		if c.Min == 0 || l.widths[i] <= l.floor(i) {
			continue
		}
		if widest < 0 || l.widths[i] > l.widths[widest] {
			if widest >= 0 {
				second = l.widths[widest]
			}
			widest = i
		} else {
			second = max(second, l.widths[i])
		}
	}
	if widest < 0 {
		return false
	}
	// Not below the next one at once: equal widths share what is missing.
	least := max(l.floor(widest), min(second, l.widths[widest]-1))
	l.widths[widest] = max(least, l.widths[widest]-n)
	return true
}

// floor returns the least width of a column.
func (l *layout) floor(i int) int {
	return max(l.columns[i].Min, Width(l.columns[i].Title))
}

// least returns the column to omit; -1: none may be.
func (l *layout) least() int {
	at := -1
	for i, c := range l.columns {
		if l.widths[i] > 0 && c.Rank > 0 && (at < 0 || c.Rank >= l.columns[at].Rank) {
			at = i
		}
	}
	return at
}

// writeRow writes a row, without trailing spaces, and reports how many texts were truncated.
func (l *layout) writeRow(w *bufio.Writer, row []string) (cut int) {
	pending, first := 0, true
	for i, text := range row {
		if l.widths[i] == 0 {
			continue
		}
		if !first {
			pending += len(gap)
		}
		first = false
		length := Width(text)
		if length > l.widths[i] {
			text = Truncate(text, l.widths[i])
			length = Width(text)
			cut++
		}
		if l.columns[i].Right {
			pending += l.widths[i] - length
		}
		if text != "" {
			w.WriteString(strings.Repeat(" ", pending))
			w.WriteString(text)
			pending = 0
		} else {
			pending += length
		}
		if !l.columns[i].Right {
			pending += l.widths[i] - length
		}
	}
	w.WriteByte('\n')
	return cut
}

// Width returns how many cells of a terminal a text takes: an East Asian character or a symbol may take
// two, a combining one none.
func Width(text string) int {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return ansi.StringWidth(text)
		}
	}
	return len(text)
}

// Truncate shortens a text that is wider than a width, and marks that by an ellipsis.
func Truncate(text string, width int) string {
	if Width(text) <= width {
		return text
	}
	return ansi.Truncate(text, width, truncated)
}

// Size returns the size of a terminal in characters; zero: the file is none, or does not know.
func Size(f *os.File) (columns, lines int) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Col), int(size.Row)
}

// Note says what Write has left out; empty: nothing.
func Note(cut int, omitted []string) string {
	var parts []string
	if cut > 0 {
		parts = append(parts, fmt.Sprintf("%s marks what is cut off", truncated))
	}
	if len(omitted) > 0 {
		parts = append(parts, "no room for "+strings.Join(omitted, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, "; ") + ": use a wider terminal, --columns or --json)"
}
