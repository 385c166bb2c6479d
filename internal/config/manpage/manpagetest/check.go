// Package manpagetest compares a program's committed manual page with the page that the program
// prints, and checks it with groff and mandoc. It is for tests only.
package manpagetest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"upppoe/internal/roottest"
)

// Check compares a file with the page that print writes; with update it writes the file first. Then
// groff and mandoc must accept the page without warnings; a missing program skips its check.
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

// lint runs a program that reads a page and reports its warnings.
func lint(t *testing.T, page []byte, reader []string) {
	roottest.NeedPrograms(t, reader[0])
	command := exec.Command(reader[0], reader[1:]...)
	command.Stdin = bytes.NewReader(page)
	if output, err := command.CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("%s: %v\n%s", reader[0], err, output)
	}
}
