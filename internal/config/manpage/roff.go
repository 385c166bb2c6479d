package manpage

import (
	"bytes"
	"fmt"
	"strings"
)

// width is the length at which source lines are broken, so that the generated file can be read and
// compared.
const width = 78

// writer builds the source of a page.
type writer struct {
	out bytes.Buffer
	// spaced reports whether the last macro already makes the space before a paragraph.
	spaced bool
}

// roffEscapes replaces the characters that roff interprets, or prints as other characters
// (groff_char(7)).
var roffEscapes = strings.NewReplacer(
	`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escape returns the source that prints a text literally.
func escape(text string) string {
	var b strings.Builder
	for _, r := range roffEscapes.Replace(text) {
		switch {
		case r < ' ' && r != '\n' || r == 0x7f:
			fmt.Fprintf(&b, "?")
		case r > '~':
			fmt.Fprintf(&b, `\[u%04X]`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// guard keeps roff from taking a line of text for a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

// macro writes a request and its arguments. Text of callers must be escaped.
func (t *writer) macro(name string, args ...string) {
	t.out.WriteString("." + name)
	for _, a := range args {
		if a == "" || strings.Contains(a, " ") {
			a = `"` + a + `"`
		}
		t.out.WriteString(" " + a)
	}
	t.out.WriteByte('\n')
	t.spaced = name == "SH" || name == "SS"
}

// text writes running text, broken into lines. Text between two ` is bold.
func (t *writer) text(text string) {
	line := ""
	for _, word := range strings.Fields(setBold(text)) {
		if line != "" && len(line)+1+len(word) > width {
			t.out.WriteString(guard(line) + "\n")
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		t.out.WriteString(guard(line) + "\n")
	}
	t.spaced = false
}

// setBold escapes a text and sets the text between each two ` in bold.
func setBold(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 0 {
			b.WriteString(escape(part))
		} else {
			b.WriteString(`\fB` + escape(part) + `\fR`)
		}
	}
	return b.String()
}

func (t *writer) section(s Section) {
	if len(s.Blocks) == 0 {
		return
	}
	t.macro("SH", escape(s.Title))
	for _, b := range s.Blocks {
		b.write(t)
	}
}

func (p Paragraph) write(t *writer) {
	if !t.spaced {
		t.macro("PP")
	}
	t.text(string(p))
}

func (s Subsection) write(t *writer) { t.macro("SS", escape(string(s))) }

func (e Example) write(t *writer) {
	if !t.spaced {
		t.macro("PP")
	}
	t.macro("RS", "4")
	t.macro("EX")
	for line := range strings.Lines(string(e)) {
		t.out.WriteString(guard(escape(strings.TrimSuffix(line, "\n"))) + "\n")
	}
	t.macro("EE")
	t.macro("RE")
}

func (i Item) write(t *writer) {
	t.macro("TP")
	line := `\fB` + escape(i.Term) + `\fR`
	if i.Arg != "" {
		line += ` \fI` + escape(i.Arg) + `\fR`
	}
	t.out.WriteString(line + "\n")
	t.text(i.Text)
}

// A Definition's terms are a paragraph, as the tag of an Item must fit on one line.
func (d Definition) write(t *writer) {
	Paragraph("`" + strings.Join(d.Terms, "`, `") + "`").write(t)
	t.macro("RS")
	t.text(d.Text)
	t.macro("RE")
}

// list writes a section with one entry per line.
func (t *writer) list(title string, lines []string) {
	for i, line := range lines {
		if i == 0 {
			t.macro("SH", escape(title))
		} else {
			t.macro("br")
		}
		t.text(line)
	}
}

// seeAlso writes the references to other pages, with their names in bold.
func (t *writer) seeAlso(pages []string) {
	for i, page := range pages {
		if i == 0 {
			t.macro("SH", "SEE ALSO")
		}
		name, section, _ := strings.Cut(page, "(")
		after := ","
		if i == len(pages)-1 {
			after = ""
		}
		t.macro("BR", escape(name), "("+section+after)
	}
}
