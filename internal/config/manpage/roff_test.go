package manpage

import (
	"strings"
	"testing"
)

// TestWholePage: a page with two entries in each of its lists.
func TestWholePage(t *testing.T) {
	p := Page{
		Name: "x", Brief: "y", Synopsis: []string{"a", "b"},
		Standards: []string{"RFC 1", "RFC 2"}, SeeAlso: []string{"one(8)", "two(5)"},
	}
	want := `.nh
.SH NAME
x \- y
.SH SYNOPSIS
\fBx\fR a
.br
\fBx\fR b
.SH STANDARDS
RFC 1
.br
RFC 2
.SH "SEE ALSO"
.BR one (8),
.BR two (5)
`
	var w strings.Builder
	if _, err := p.WriteTo(&w); err != nil {
		t.Fatal(err)
	}
	if _, got, _ := strings.Cut(w.String(), "\n"); got != want {
		t.Errorf("the page is\n%s, want\n%s", got, want)
	}
}

// TestWidth: a line of 78 octets is not broken; a word that would make it 79 begins the next line.
func TestWidth(t *testing.T) {
	word := strings.Repeat("a", 38)
	for _, c := range []struct{ text, want string }{
		{word + " " + word + "b", word + " " + word + "b\n"},        // 78
		{word + " " + word + "bb", word + "\n" + word + "bb\n"},     // 79
		{word + "  \n " + word + " b", word + " " + word + "\nb\n"}, // 77, and 79 with the last
		{strings.Repeat("a", 100), strings.Repeat("a", 100) + "\n"}, // cannot be broken
		{"", ""},
	} {
		if got := written(t, Paragraph(c.text)); got != c.want {
			t.Errorf("%q is set as\n%s, want\n%s", c.text, got, c.want)
		}
	}
}

// TestEscapeBounds: the first and last printable ASCII characters, and their neighbours.
func TestEscapeBounds(t *testing.T) {
	for text, want := range map[string]string{
		"\x1f": "?", " ": " ", "!": "!", "}": "}", "~": `\(ti`, "\x7f": "?", "\u0080": `\[u0080]`, "\n": "\n", "\t": "?",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q is escaped as %q, want %q", text, got, want)
		}
	}
}
