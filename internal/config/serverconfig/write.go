package serverconfig

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// writer builds a file.
type writer struct {
	out      bytes.Buffer
	complete bool // with all keys, and their help as comments
}

// WriteTo writes the configuration as a file, without the keys that have their defaults.
func (c *Config) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(c.encode(false))
	return int64(n), err
}

// Complete returns the configuration as a file with all keys, each with its help as a comment. Keys
// without a value are comments.
func (c *Config) Complete() []byte { return c.encode(true) }

func (c *Config) encode(complete bool) []byte {
	w := &writer{complete: complete}
	for _, s := range sections {
		s.write(c, w)
	}
	return w.out.Bytes()
}

// section writes lines of a section, unless there are none.
func (w *writer) section(header, help string, lines []string) {
	if len(lines) == 0 {
		return
	}
	if w.out.Len() > 0 {
		w.out.WriteByte('\n')
	}
	if w.complete {
		w.out.WriteString(comment(help))
	}
	fmt.Fprintln(&w.out, header)
	for _, line := range lines {
		w.out.WriteString(line)
	}
}

// commentWidth is the length of lines of comments.
const commentWidth = 110

// comment returns a text as lines of a comment.
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line) > 1 && len(line)+1+len(word) > commentWidth {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}

// linesOf returns the lines of keys: of those that differ from the defaults, or of all.
func linesOf[E any](w *writer, keys []key[E], e, usual *E) (lines []string) {
	for _, k := range keys {
		text := k.text(e)
		switch {
		case w.complete:
			lines = append(lines, completeLine(k, text))
		case text != k.text(usual) && text != "":
			lines = append(lines, fmt.Sprintf("%s = %s\n", k.name, text))
		}
	}
	return lines
}

func completeLine[E any](k key[E], text string) string {
	help := k.explanation()
	if text == "" {
		_, want, _ := k.describe()
		return "\n" + comment(help) + "# " + k.name + " = " + exampleOf(want) + "\n"
	}
	return "\n" + comment(help) + k.name + " = " + text + "\n"
}

func (s single[E]) write(c *Config, w *writer) {
	w.section(header(s.name, false), s.help, linesOf(w, s.keys, s.of(c), s.of(Default())))
}

func (s repeated[E]) write(c *Config, w *writer) {
	all := *s.of(c)
	for i := range all {
		usual := s.fresh(c)
		w.section(header(s.name, true), s.help, linesOf(w, s.keys, &all[i], &usual))
	}
}

// exampleOf returns the first example in a description of values: what is in quotes, brackets or braces, or
// the number after "like".
func exampleOf(want string) string {
	_, after, like := strings.Cut(want, "like ")
	if like {
		want = after
	}
	for i, r := range want {
		if end, ok := map[rune]string{'"': `"`, '[': "]", '{': "}"}[r]; ok {
			return want[i : i+1+strings.Index(want[i+1:], end)+1]
		}
		if r >= '0' && r <= '9' && after != "" && after[0] >= '0' && after[0] <= '9' {
			number, _, _ := strings.Cut(after, ",")
			return number
		}
	}
	return "true"
}
