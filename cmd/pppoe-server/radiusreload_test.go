package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
)

// TestPrepareRADIUS: another configuration of RADIUS is used once its files of secrets have been read; with
// one that has none, nothing changes.
func TestPrepareRADIUS(t *testing.T) {
	dir := t.TempDir()
	read := func(address, secretFile string) *serverconfig.Config {
		file := filepath.Join(dir, "server.toml")
		text := fmt.Sprintf("[[interface]]\nname = \"eth1\"\n[[radius-server]]\naddress = %q\nsecret-file = %q\n[accounting]\nspool = %q\n",
			address, filepath.Join(dir, secretFile), filepath.Join(dir, "spool"))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, problems := serverconfig.Read(file)
		if err := problems.Err(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := newRADIUS(read("192.0.2.1", "secret"), &sessionState{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	servers := func() string {
		return s.authClient.Stats().Servers[0].Addr.String() + " " + s.acctClient.Stats().Servers[0].Addr.String()
	}
	if _, err := s.prepare(read("192.0.2.2", "none")); err == nil || !strings.Contains(err.Error(), "none") {
		t.Error(err)
	}
	use, err := s.prepare(read("192.0.2.3", "secret"))
	if err != nil || servers() != "192.0.2.1:1812 192.0.2.1:1813" {
		t.Fatalf("%v; before it is used the servers are %s", err, servers())
	}
	if use(); servers() != "192.0.2.3:1812 192.0.2.3:1813" {
		t.Errorf("the servers are %s", servers())
	}
}
