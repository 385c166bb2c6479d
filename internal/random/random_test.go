package random

import (
	"bytes"
	"strings"
	"testing"
)

// TestSource: a source that is named is the one that is drawn on.
func TestSource(t *testing.T) {
	if got := Fill(strings.NewReader("abcdef"), make([]byte, 4)); string(got) != "abcd" {
		t.Errorf("%q", got)
	}
}

// TestDefault: without one, no two draws are the same.
func TestDefault(t *testing.T) {
	if a, b := Fill(nil, make([]byte, 16)), Fill(nil, make([]byte, 16)); bytes.Equal(a, b) {
		t.Errorf("% x twice", a)
	}
}

// TestFailure: a source that ends too early is an error of the program.
func TestFailure(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("four octets of three")
		}
	}()
	Fill(strings.NewReader("abc"), make([]byte, 4))
}
