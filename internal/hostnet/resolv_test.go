package hostnet

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/ipcp"
)

// TestServers: the file has what the peer said last, and goes when it says nothing.
func TestServers(t *testing.T) {
	log, said := logTo()
	dir := t.TempDir()
	h := &Host{ResolvConf: filepath.Join(dir, "resolv.conf"), Log: log}
	none, one, two := netip.Addr{}, netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")
	var have ipcp.Agreement
	for _, step := range []struct {
		says [2]netip.Addr
		text string
	}{
		{[2]netip.Addr{one, two}, "nameserver 192.0.2.53\nnameserver 192.0.2.54\n"},
		{[2]netip.Addr{two, two}, "nameserver 192.0.2.54\n"}, // asked for two, a peer with one gives it twice
		{[2]netip.Addr{none, none}, ""},
		{[2]netip.Addr{none, one}, "nameserver 192.0.2.53\n"},
		{[2]netip.Addr{none, none}, ""},
	} {
		want := ipcp.Agreement{DNS: step.says}
		h.setServers(servers(have), servers(want))
		have = want
		text, err := os.ReadFile(h.ResolvConf)
		if string(text) != step.text || (err == nil) != (step.text != "") {
			t.Errorf("after %v the file holds %q (%v), want %q", step.says, text, err, step.text)
		}
	}
	h.setServers([]netip.Addr{one}, nil) // somebody else has removed the file
	if left, _ := os.ReadDir(dir); len(left) > 0 || said.Len() > 0 {
		t.Errorf("left behind: %v; the log says %q", left, said)
	}
}

// TestServersCannotBeWritten: the log says why, and nothing else happens.
func TestServersCannotBeWritten(t *testing.T) {
	log, said := logTo()
	h := &Host{ResolvConf: filepath.Join(t.TempDir(), "missing", "resolv.conf"), Log: log}
	h.setServers(nil, []netip.Addr{netip.MustParseAddr("192.0.2.53")})
	if text := said.String(); !strings.Contains(text, "usepeerdns") || !strings.Contains(text, "no such file") {
		t.Errorf("the log says %q, want usepeerdns and the cause", text)
	}
}

// TestServersForAll: the file can be read by all, whatever the umask and CreateTemp say.
func TestServersForAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := writeResolvConf(path, []netip.Addr{netip.MustParseAddr("192.0.2.53")}); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Stat(path); err != nil || f.Mode().Perm() != 0o644 {
		t.Errorf("the file has mode %v, want 0644: %v", f.Mode(), err)
	}
}
