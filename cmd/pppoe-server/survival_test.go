package main

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// TestReloadBeforeSweep: a reload may come while the devices of an earlier program are removed.
func TestReloadBeforeSweep(t *testing.T) {
	r, _ := reloadable(t, "")
	n := &sessionDevices{owner: "no-earlier-program", scripts: newSessionScripts(), log: slog.New(slog.DiscardHandler)}
	n.use(r.current)
	var sweeping sync.WaitGroup
	sweeping.Go(n.sweep)
	n.use(r.current)
	sweeping.Wait()
}

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
