// Package manpage writes manual pages in man(7)'s language from structured text, and
// turns a program's flags into such text. It leaves nothing of roff to its callers:
// any text can be set, whatever characters are in it.
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
	Standards []string // what the program follows, one a line
	SeeAlso   []string // other pages, like "pppd(8)"
}

// Section is a part of a page: its title, in capitals, and what it says.
type Section struct {
	Title  string
	Blocks []Block
}

// Block is a Paragraph, an Item, a Definition, an Example or a Subsection. In all texts but an
// Example, what stands between two ` is set in bold.
type Block interface{ write(*writer) }

// Paragraph is running text.
type Paragraph string

// Subsection begins a part of a section: its title.
type Subsection string

// Example is text that is set as it stands, line by line.
type Example string

// Item explains a word: an option, a file, a number.
type Item struct {
	Term string // set in bold
	Arg  string // what follows it, set in italics; may be empty
	Text string
}

// Definition explains many words at once, which may fill lines.
type Definition struct {
	Terms []string // set in bold, parted by commas
	Text  string
}

// edition is the day on which the words of the pages were last gone through, as
// man(7) wants it.
const edition = "2026-11-21"

// WriteTo writes the page in man(7)'s language. The error is the writer's.
func (p *Page) WriteTo(w io.Writer) (int64, error) {
	t := &writer{}
	t.macro("TH", escape(strings.ToUpper(p.Name)), "8", edition, "upppoe", "System Manager's Manual")
	t.macro("nh") // an option that is broken at the end of a line cannot be told from one with a -
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
