package pppd

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       []string // LINE:WORD
	}{
		{"nothing", "", nil},
		{"words", "a bc\td\v\fe\n", []string{"1:a", "1:bc", "1:d", "1:e"}},
		{"lines", "a\n\n b\r\n", []string{"1:a", "3:b"}},
		{"comments", "# all\na # rest\nb#c \"d", []string{"2:a", "3:b"}},
		{"quoted number signs", `"#a" \#b c\#`, []string{"1:#a", "1:#b", "1:c#"}},
		{"quotes", `"a b" 'c "d' e" "f`, []string{"1:a b", `1:c "d`, "1:e f"}},
		{"an empty word", `"" ''`, []string{"1:", "1:"}},
		{"escapes", `a\ b \"c\" \\ \s\t\n`, []string{"1:a b", `1:"c"`, `1:\`, "1: \t\n"}},
		{"escapes in either quotes", `"a\"b" 'a\'b' 'a\tb'`, []string{`1:a"b`, `1:a'b`, "1:a\tb"}},
		{"octal", `\141 \60b \1014 \8`, []string{"1:a", "1:0b", "1:A4", "1:8"}},
		{"hexadecimal", `\x61 \x4Ab \x9z`, []string{"1:a", "1:Jb", "1:\tz"}},
		{"a continued line", "a\\\nb c\nd \\\n e", []string{"1:ab", "2:c", "3:d", "4:e"}},
		{"a quote over lines", "\"a\nb\" c", []string{"1:a\nb", "2:c"}},
		{"binary", "\x00\xff\n", []string{"1:\x00\xff"}},
	} {
		lines, err := Lines("", c.text)
		var got []string
		for _, w := range slices.Concat(lines...) {
			got = append(got, fmt.Sprintf("%d:%s", w.Line, w.Text))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.what, got, err, c.want)
		}
	}
}

func TestLinesAreKeptApart(t *testing.T) {
	lines, err := Lines("f", "a b\n\n# c\n d \\\n e\nf")
	var got []string
	for _, line := range lines {
		text := ""
		for _, w := range line {
			text += w.Text
		}
		got = append(got, text)
	}
	if want := []string{"ab", "de", "f"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestBadWords(t *testing.T) {
	for text, want := range map[string]string{
		"a\n'b c\n":    "f:2: the quote ' is never closed",
		"a \"b\n\nc":   "f:1: the quote \" is never closed",
		"a\n\nb\\":     "f:3: there is nothing after the last \\",
		"\n\"a\\x g\"": "f:2: \\x needs one or two hexadecimal digits after it",
	} {
		if lines, err := Lines("f", text); err == nil || err.Error() != want || lines != nil {
			t.Errorf("%q: %v, %v; want the error %q alone", text, lines, err, want)
		}
	}
}

// quoted quotes a word so that it is read back unchanged: CR LF would be read as the end of a line.
func quoted(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`).Replace(word) + `"`
}

func FuzzLines(f *testing.F) {
	for _, text := range []string{"a \"b c\" # d\n\\\ne 'f'", `\141\x61\s`, "\"a\nb\" c\r\n", `a\`, "'", "\"\r\r\n\"", "\"\r\""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Lines("f", text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, line := range lines {
			for _, w := range line {
				if w.Line < 1 || w.Line > strings.Count(text, "\n")+1 || len(w.Text) > len(text) {
					t.Errorf("%q has the word %q in line %d", text, w.Text, w.Line)
				}
				again.WriteString(quoted(w.Text) + " ")
			}
			again.WriteByte('\n')
		}
		back, err := Lines("f", again.String())
		same := func(a, b []Word) bool {
			return slices.EqualFunc(a, b, func(a, b Word) bool { return a.Text == b.Text })
		}
		if err != nil || !slices.EqualFunc(lines, back, same) {
			t.Errorf("%q: words %v; written and read again %v, %v", text, lines, back, err)
		}
	})
}
