package manpage

import (
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/pflag"

	"upppoe/internal/roottest"
)

func written(t *testing.T, blocks ...Block) string {
	t.Helper()
	var w strings.Builder
	p := Page{Name: "a-b", Brief: "c", Synopsis: []string{"`-x`"}, Sections: []Section{{"TEXT", blocks}}}
	if _, err := p.WriteTo(&w); err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(w.String(), ".SH TEXT\n")
	if !found {
		return w.String()
	}
	return body
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		what   string
		blocks []Block
		want   string
	}{
		{"no section without text", nil, ".TH A\\-B 8 " + edition + " upppoe \"System Manager's Manual\"\n.nh\n.SH NAME\na\\-b \\- c\n.SH SYNOPSIS\n\\fBa\\-b\\fR \\fB\\-x\\fR\n"},
		{"paragraphs", []Block{Paragraph("one"), Paragraph("two")}, "one\n.PP\ntwo\n"},
		{"text like a request", []Block{Paragraph(".SH x"), Paragraph("'br")}, "\\&.SH x\n.PP\n\\(aqbr\n"},
		{"special characters", []Block{Paragraph(`\fB -x ~ ^ "é"` + "\x1b")}, "\\(rsfB \\-x \\(ti \\(ha \\(dq\\[u00E9]\\(dq?\n"},
		{"bold", []Block{Paragraph("say `-x .y` twice")}, "say \\fB\\-x .y\\fR twice\n"},
		{"an item", []Block{Item{"--x", "FILE", "text"}}, ".TP\n\\fB\\-\\-x\\fR \\fIFILE\\fR\ntext\n"},
		{"an item without an argument", []Block{Item{".x", "", "text"}}, ".TP\n\\fB.x\\fR\ntext\n"},
		{"a subsection", []Block{Subsection("It's -x"), Paragraph("y")}, ".SS \"It\\(aqs \\-x\"\ny\n"},
		{"several terms", []Block{Definition{[]string{"a", "-b"}, "no"}}, "\\fBa\\fR, \\fB\\-b\\fR\n.RS\nno\n.RE\n"},
		{"an example", []Block{Example(".a `b`\n\n  'c\\")}, ".RS 4\n.EX\n\\&.a \\(gab\\(ga\n\n  \\(aqc\\(rs\n.EE\n.RE\n"},
	} {
		if got := written(t, c.blocks...); got != c.want {
			t.Errorf("%s:\n%q, want\n%q", c.what, got, c.want)
		}
	}
}

// TestTextIsLiteral: no line of broken text begins with what roff takes for a request, and groff
// prints the text unchanged.
func TestTextIsLiteral(t *testing.T) {
	text := strings.Repeat(`.TH 'x \x -y ... . ' "q" ~/.z `, 40)
	page := written(t, Paragraph(text))
	for line := range strings.Lines(page) {
		if line[0] == '.' || line[0] == '\'' || len(line) > width+4 {
			t.Errorf("line %q", line)
		}
	}
	roottest.NeedPrograms(t, "groff")
	command := exec.Command("groff", "-man", "-ww", "-Tascii", "-P-c")
	command.Stdin = strings.NewReader(".TH X 8 2026-01-01\n.nh\n.SH TEXT\n" + page)
	out, err := command.CombinedOutput()
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), strings.Join(strings.Fields(text), " ")) {
		t.Errorf("%v, groff shows\n%s", err, out)
	}
}

func TestFlags(t *testing.T) {
	set := pflag.NewFlagSet("x", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringP("name", "n", "", "a name")
	set.StringArray("iface", []string{"eth0"}, "an interface")
	set.Int("max", 5, "most of `sessions`")
	set.Int("min", 0, "least")
	set.Bool("quiet", false, "say nothing")
	want := []Block{
		Item{"-n, --name", "TEXT", "a name."},
		Item{"--iface", "TEXT", "an interface (default eth0)."},
		Item{"--max", "SESSIONS", "most of sessions (default 5)."},
		Item{"--min", "N", "least."},
		Item{"--quiet", "", "say nothing."},
	}
	got := Flags(set)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("item %d is not %q: %q", i, want[i], got)
		}
	}
}

func TestAddFlag(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{{nil, ""}, {[]string{"--man"}, ".TH X 8"}} {
		var w strings.Builder
		set := pflag.NewFlagSet("x", pflag.ContinueOnError)
		AddFlag(set, &w, func() *Page { return &Page{Name: set.Name(), Sections: []Section{{"FLAGS", Flags(set)}}} })
		err := set.Parse(c.args)
		if errors.Is(err, pflag.ErrHelp) != (c.args != nil) || !strings.HasPrefix(w.String(), c.want) || (w.Len() > 0) != (c.want != "") {
			t.Errorf("%q: %v, writes %q", c.args, err, &w)
		}
	}
	set := pflag.NewFlagSet("x", pflag.ContinueOnError)
	AddFlag(set, failing{io.ErrShortWrite}, func() *Page { return &Page{} })
	if err := set.Parse([]string{"--man"}); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a writer that fails: %v", err)
	}
	set = pflag.NewFlagSet("x", pflag.ContinueOnError)
	AddFlag(set, failing{syscall.EPIPE}, func() *Page { return &Page{} })
	if err := set.Parse([]string{"--man"}); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("a reader that has ended: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
