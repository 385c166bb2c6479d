package main

import (
	"strings"
	"testing"
)

// TestOwnerOf: each path has a name of its own, which a BPF file system accepts.
func TestOwnerOf(t *testing.T) {
	long := "/" + strings.Repeat("long/", 60)
	seen := make(map[string]string)
	for _, path := range []string{"/var/lib/upppoe/sessions.log", "/var/lib/upppoe/sessions-log", "/var/lib/upppoe.sessions.log", "/a", "/é", long + "a", long + "b"} {
		name := ownerOf(path)
		if seen[name] != "" || len(name) > 80 || strings.ContainsAny(name, "./% \n") {
			t.Errorf("%s: %q, as %s", path, name, seen[name])
		}
		seen[name] = path
	}
	if a, b := ownerOf("/a/./b"), ownerOf("/a/b"); a != b || !strings.HasPrefix(a, "a-b-") {
		t.Errorf("one file has names %q and %q", a, b)
	}
	if name := (&sessionState{}).owner(); name != "" {
		t.Errorf("without a store: %q", name)
	}
}
