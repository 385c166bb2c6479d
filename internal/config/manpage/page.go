// Package manpage writes manual pages in the man(7) macro language from structured text, and builds
// that text from a program's flags. Callers need not know roff: all text is escaped.
package manpage

import (
	"io"
	"strings"
)

// Page is the manual page of a program for the system's administrator (section 8).
type Page struct {
	Name      string   // of the program
	Brief     string   // what it is, for whatis(1): one phrase without a full stop
	Synopsis  []string // command lines, each without the program's name
	Sections  []Section
	Standards []string // what the program implements, one per line
	SeeAlso   []string // other pages, like "pppd(8)"
}

// Section is a section of a page. Its title is in capitals.
type Section struct {
	Title  string
	Blocks []Block
}

// Block is a Paragraph, an Item, a Definition, an Example or a Subsection. Text between two ` is set
// in bold, except in an Example.
type Block interface{ write(*writer) }

// Paragraph is running text.
type Paragraph string

// Subsection is the title that begins a subsection.
type Subsection string

// Example is preformatted text.
type Example string

// Item describes one term: an option, a file, a number.
type Item struct {
	Term string // set in bold
	Arg  string // its argument, set in italics; may be empty
	Text string
}

// Definition describes several terms at once. They may fill several lines.
type Definition struct {
	Terms []string // set in bold, separated by commas
	Text  string
}

// edition is the date of the last revision of the pages' text (man(7), TH).
const edition = "2026-11-29"

// WriteTo writes the page in the man(7) macro language. The error is the writer's.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	t := &writer{}
	t.macro("TH", escape(strings.ToUpper(p.Name)), "8", edition, "upppoe", "System Manager's Manual")
	t.macro("nh") // no hyphenation: a hyphen in a broken option name would be ambiguous
	t.macro("SH", "NAME")
	t.text(p.Name + " - " + p.Brief)
	t.macro("SH", "SYNOPSIS")
	for i, line := range p.Synopsis {
		if i > 0 {
			t.macro("br")
		}
		t.text("`" + p.Name + "` " + line)
	}
	for _, s := range p.Sections {
		t.section(s)
	}
	t.list("STANDARDS", p.Standards)
	t.seeAlso(p.SeeAlso)
	n, err := w.Write(t.out.Bytes())
	return int64(n), err
}
