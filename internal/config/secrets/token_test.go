package secrets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTokenFromFile: a token must be long, and its file nobody else's.
func TestTokenFromFile(t *testing.T) {
	for _, c := range []struct {
		text string
		mode os.FileMode
		want string // a part of the error; empty: none
	}{
		{"0123456789abcdef\nmore\n", 0o600, ""},
		{"0123456789abcdef\r\n", 0o400, ""},
		{"0123456789abcdef\n", 0o640, "chmod 600 "},
		{"0123456789abcdef\n", 0o604, "chmod 600 "},
		{"0123456789abcde\n", 0o600, "has 15 characters: 16 are needed"},
		{"\n0123456789abcdef", 0o600, "first line is empty"},
		{"", 0o000, "first line is empty"},
	} {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chmod(path, c.mode)
		s, err := TokenFromFile(path)
		switch {
		case c.want == "" && (err != nil || string(s) != "0123456789abcdef"):
			t.Errorf("%q: %q, %v", c.text, s, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "0123")):
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := TokenFromFile("/nonexistent"); err == nil {
		t.Error("a file that does not exist has a token")
	}
}
