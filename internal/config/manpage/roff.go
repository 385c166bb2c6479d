package manpage

import (
	"bytes"
	"fmt"
	"strings"
)

// width is where lines of text are broken, so that the page can be read, and
// compared, as it is written.
const width = 78

// writer gathers a page.
type writer struct {
	out bytes.Buffer
	// spaced says that a macro came last which makes a paragraph's space itself.
	spaced bool
}

// roffEscapes are the characters that roff takes for something else, or prints as
// something else, than what stands there (groff_char(7)).
var roffEscapes = strings.NewReplacer(
	`\`, `\(rs`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// escape has a text come out as it is.
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

// guard keeps a line of text from being taken for a request.
func guard(line string) string {
	if strings.HasPrefix(line, ".") {
		return `\&` + line
	}
	return line
}

// macro writes a request and its arguments, which are no text of a caller's unless
// escaped.
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

// text writes running text: bold what stands between two `, and broken into lines.
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

// setBold escapes a text and has each second of the parts between ` be bold.
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

// A Definition's words are a paragraph: the tag of an Item cannot fill lines.
func (d Definition) write(t *writer) {
	Paragraph("`" + strings.Join(d.Terms, "`, `") + "`").write(t)
	t.macro("RS")
	t.text(d.Text)
	t.macro("RE")
}

// list writes a section of lines.
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

// seeAlso writes what pages there are besides, the names in bold.
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
