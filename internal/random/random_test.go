package random

import (
	"bytes"
	"strings"
	"testing"
)

// TestSource: the given source is read.
func TestSource(t *testing.T) {
	if got := Fill(strings.NewReader("abcdef"), make([]byte, 4)); string(got) != "abcd" {
		t.Errorf("%q", got)
	}
}

// TestDefault: without a source, two results differ.
func TestDefault(t *testing.T) {
	if a, b := Fill(nil, make([]byte, 16)), Fill(nil, make([]byte, 16)); bytes.Equal(a, b) {
		t.Errorf("% x twice", a)
	}
}

// TestFailure: a source that ends too early panics.
func TestFailure(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("four octets from a source of three")
		}
	}()
	Fill(strings.NewReader("abc"), make([]byte, 4))
}
