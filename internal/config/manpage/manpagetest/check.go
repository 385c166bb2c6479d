// Package manpagetest holds a program's manual page against what the program prints.
package manpagetest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"upppoe/internal/roottest"
)

// Check holds a file against the page that print writes; with update it writes the
// file anew. Then those programs that read such pages must have nothing to say of it.
func Check(t *testing.T, file string, update bool, print func(io.Writer) error) {
	t.Helper()
	var page bytes.Buffer
	if err := print(&page); err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(file, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, page.Bytes()) {
		t.Errorf("%s is not what the program prints: run go test with -update", file)
	}
	for _, reader := range [][]string{
		{"groff", "-man", "-ww", "-z", "-Tutf8"},
		{"mandoc", "-Tlint", "-Wwarning"},
	} {
		t.Run(reader[0], func(t *testing.T) { lint(t, page.Bytes(), reader) })
	}
}

// lint has a program read a page, and complain about it.
func lint(t *testing.T, page []byte, reader []string) {
	roottest.NeedPrograms(t, reader[0])
	command := exec.Command(reader[0], reader[1:]...)
	command.Stdin = bytes.NewReader(page)
	if said, err := command.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%s: %v\n%s", reader[0], err, said)
	}
}
