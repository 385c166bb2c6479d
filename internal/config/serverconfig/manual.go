package serverconfig

import (
	"strings"

	"upppoe/internal/config/manpage"
)

// Manual returns all sections and keys for a manual page.
func Manual() (blocks []manpage.Block) {
	for _, s := range sections {
		name, several, help := s.title()
		blocks = append(blocks, manpage.Subsection(header(name, several)), manpage.Paragraph(help))
		for _, r := range s.rows() {
			blocks = append(blocks, manpage.Item{Term: r.name, Arg: r.arg, Text: r.text()})
		}
	}
	return blocks
}

// text returns the description of a key: its help, what is valid, and the default.
func (r row) text() string {
	text := r.help + " Give " + r.want + "."
	if r.usual != "" && r.usual != "[]" {
		text += " Default: " + r.usual + "."
	}
	return strings.ReplaceAll(text, "`", "'")
}
