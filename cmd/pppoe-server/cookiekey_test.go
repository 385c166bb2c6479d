package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCookieKey: a successor has the key that it is passed, and a new one if it is passed none, or a part.
func TestCookieKey(t *testing.T) {
	p := &program{}
	if f, err := p.cookieKeyFile(); f != nil || err != nil {
		t.Errorf("no key: %v, %v", f, err)
	}
	p.cookieKey = readCookieKey(nil)
	f, err := p.cookieKeyFile()
	if err != nil {
		t.Fatal(err)
	}
	if got := readCookieKey(f); len(got) != 32 || !bytes.Equal(got, p.cookieKey) {
		t.Errorf("the successor has % x, not % x", got, p.cookieKey)
	}
	path := filepath.Join(t.TempDir(), "part")
	if err := os.WriteFile(path, p.cookieKey[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	part, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for what, key := range map[string][]byte{"of a part": readCookieKey(part), "new": readCookieKey(nil)} {
		if len(key) != 32 || bytes.Equal(key[:31], p.cookieKey[:31]) {
			t.Errorf("%s: % x", what, key)
		}
	}
}
