package table

import (
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	columns = []Column{{Title: "ID", Right: true}, {Title: "USER", Min: 6}, {Title: "CIRCUIT", Min: 8, Rank: 2}, {Title: "IN", Right: true, Rank: 1}}
	rows    = [][]string{{"7", "alice@example.net", "dslam1 atm 1/2:3.4", "12"}, {"12", "bob", "", "1.2 G"}}
)

// TestWrite: the same table in terminals of several widths.
func TestWrite(t *testing.T) {
	for _, c := range []struct {
		width   int
		want    string
		cut     int
		omitted []string
	}{
		{0, "" +
			"ID  USER               CIRCUIT                IN\n" +
			" 7  alice@example.net  dslam1 atm 1/2:3.4     12\n" +
			"12  bob                                    1.2 G\n", 0, nil},
		{40, "" +
			"ID  USER           CIRCUIT            IN\n" +
			" 7  alice@exampl…  dslam1 atm 1/…     12\n" +
			"12  bob                            1.2 G\n", 2, nil},
		{29, "" +
			"ID  USER      CIRCUIT      IN\n" +
			" 7  alice@e…  dslam1 …     12\n" +
			"12  bob                 1.2 G\n", 2, nil},
		{20, "" +
			"ID  USER       IN\n" +
			" 7  alice…     12\n" +
			"12  bob     1.2 G\n", 1, []string{"CIRCUIT"}},
		{5, "" +
			"ID  USER\n" +
			" 7  alice…\n" +
			"12  bob\n", 1, []string{"CIRCUIT", "IN"}},
	} {
		var b strings.Builder
		cut, omitted, err := Write(&b, c.width, columns, rows)
		if c.width >= 29 {
			for line := range strings.Lines(b.String()) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > c.width && c.width > 0 {
					t.Errorf("width %d: a line of %d", c.width, n)
				}
			}
		}
		if err != nil || b.String() != c.want || cut != c.cut || !slices.Equal(omitted, c.omitted) {
			t.Errorf("width %d: %d, %q, %v\n%s\nwant %d, %q\n%s", c.width, cut, omitted, err, b.String(), c.cut, c.omitted, c.want)
		}
	}
}

func TestNote(t *testing.T) {
	for _, c := range []struct {
		cut     int
		omitted []string
		want    string
	}{
		{0, nil, ""},
		{1, nil, "(… marks what is cut off: use a wider terminal, --columns or --json)"},
		{0, []string{"IN", "RTT"}, "(no room for IN, RTT: use a wider terminal, --columns or --json)"},
		{2, []string{"IN"}, "(… marks what is cut off; no room for IN: use a wider terminal, --columns or --json)"},
	} {
		if got := Note(c.cut, c.omitted); got != c.want {
			t.Errorf("%d, %v: %q, want %q", c.cut, c.omitted, got, c.want)
		}
	}
}

// TestSizeOfFile: a file is no terminal.
func TestSizeOfFile(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if columns, lines := Size(f); columns != 0 || lines != 0 {
		t.Errorf("%d, %d", columns, lines)
	}
}

// TestWideText: a character that takes two cells counts as two, one that combines as none.
func TestWideText(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "日本": 4, "e\u0301": 1, "é": 1, "👍": 2} {
		if got := Width(text); got != want {
			t.Errorf("%q: width %d, want %d", text, got, want)
		}
	}
	var b strings.Builder
	Write(&b, 10, []Column{{Title: "USER", Min: 4}, {Title: "N", Right: true}}, [][]string{{"日本日本日本", "1"}, {"a", "2"}})
	if want := "USER     N\n日本日…  1\na        2\n"; b.String() != want {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}
