package top

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/mgmt/table"
)

var update = flag.Bool("update", false, "write the golden files")

// wantScreen compares a screen with the golden file of a name. Each line begins with a mark of its style.
func wantScreen(t *testing.T, name string, v view, width, height int) {
	t.Helper()
	var b strings.Builder
	lines := v.lines(width, height)
	if len(lines) > height {
		t.Errorf("%s: %d lines, of at most %d", name, len(lines), height)
	}
	for _, l := range lines {
		if table.Width(l.Text) > width || strings.ContainsAny(l.Text, "\n\x1b") {
			t.Errorf("%s: a line of %d cells: %q", name, table.Width(l.Text), l.Text)
		}
		b.WriteString(strings.TrimRight(string(" *>!"[l.Style])+l.Text, " ") + "\n")
	}
	wantText(t, name, b.String())
}

func wantText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, []byte(got)) {
		t.Errorf("%s is\n%s\nwant (%v)\n%s", name, got, err, want)
	}
}

// press handles keys, separated by spaces, and returns what the last one causes.
func press(v view, keys string) (last action) {
	for key := range strings.FieldsSeq(keys) {
		text := ""
		if len(key) == 1 {
			text = key
		}
		last = v.handleKey(key, text)
	}
	return last
}
