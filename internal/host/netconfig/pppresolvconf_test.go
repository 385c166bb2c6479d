package netconfig

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/ipcp"
)

var (
	server1 = netip.MustParseAddr("192.0.2.53")
	server2 = netip.MustParseAddr("192.0.2.54")
)

// agreementWithDNS is an agreement with name servers.
func agreementWithDNS(dns ...netip.Addr) (a ipcp.Agreement) {
	a.Local = agreed.IPv4.Local
	copy(a.DNS[:], dns)
	return a
}

// ppp9 is a nonexistent device.
var ppp9 = &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "ppp9", Index: 1 << 30}}

// installServers installs name servers, and returns how to undo that.
func installServers(t *testing.T, h *Configurer, a ipcp.Agreement) (back func()) {
	t.Helper()
	made, err := h.apply(h.nameServerSteps(ppp9, h.usableNameServers(a)))
	if err != nil {
		t.Fatal(err)
	}
	return func() { made.undo(h.Log) }
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if string(text) != want || err != nil && !(want == "" && os.IsNotExist(err)) {
		t.Errorf("%s holds %q (%v), want %q", path, text, err, want)
	}
}

// TestPPPResolvConf: the file has the peer's name servers, in their order, and is removed at the
// end unless it is to be kept.
func TestPPPResolvConf(t *testing.T) {
	for _, c := range []struct {
		says []netip.Addr
		text string
	}{
		{[]netip.Addr{server1, server2}, "nameserver 192.0.2.53\nnameserver 192.0.2.54\n"},
		{[]netip.Addr{server2, server1}, "nameserver 192.0.2.54\nnameserver 192.0.2.53\n"},
		{[]netip.Addr{server2, server2}, "nameserver 192.0.2.54\n"}, // asked for two, a peer with one gives it twice
		{nil, ""},
		{[]netip.Addr{{}, server1}, "nameserver 192.0.2.53\n"},
	} {
		for _, keep := range []bool{false, true} {
			log, output := newLog()
			dir := t.TempDir()
			h := &Configurer{ResolvConf: filepath.Join(dir, "resolv.conf"), KeepResolvConf: keep, Log: log}
			back := installServers(t, h, agreementWithDNS(c.says...))
			wantFile(t, h.ResolvConf, c.text)
			back()
			want := ""
			if keep {
				want = c.text
			}
			wantFile(t, h.ResolvConf, want)
			if output.Len() > 0 {
				t.Errorf("the log says %q", output)
			}
		}
	}
}

// TestPPPResolvConfRemoved: undoing is quiet when the file has been removed before.
func TestPPPResolvConfRemoved(t *testing.T) {
	log, output := newLog()
	dir := t.TempDir()
	h := &Configurer{ResolvConf: filepath.Join(dir, "resolv.conf"), Log: log}
	back := installServers(t, h, agreementWithDNS(server1))
	if err := os.Remove(h.ResolvConf); err != nil {
		t.Fatal(err)
	}
	back()
	if left, _ := os.ReadDir(dir); len(left) > 0 || output.Len() > 0 {
		t.Errorf("left behind: %v; the log says %q", left, output)
	}
}

// TestPPPResolvConfTwoSessions: two sessions write one file, and the end of the first leaves what
// the second has written, even if it is the same.
func TestPPPResolvConfTwoSessions(t *testing.T) {
	log, _ := newLog()
	h := &Configurer{ResolvConf: filepath.Join(t.TempDir(), "resolv.conf"), Log: log}
	first := installServers(t, h, agreementWithDNS(server1))
	second := installServers(t, h, agreementWithDNS(server1))
	first()
	wantFile(t, h.ResolvConf, "nameserver 192.0.2.53\n")
	second()
	wantFile(t, h.ResolvConf, "")
}

// TestPPPResolvConfOfLaterSession: a change of one session's name servers leaves the file alone
// when another session has written it since.
func TestPPPResolvConfOfLaterSession(t *testing.T) {
	log, _ := newLog()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	first, later := &Configurer{ResolvConf: path, Log: log}, &Configurer{ResolvConf: path, Log: log}
	firstBack := installServers(t, first, agreementWithDNS(server1, server2))
	laterBack := installServers(t, later, agreementWithDNS(server2))
	firstBack()
	firstBack = installServers(t, first, agreementWithDNS(server1))
	wantFile(t, path, "nameserver 192.0.2.54\n")
	firstBack()
	wantFile(t, path, "nameserver 192.0.2.54\n")
	laterBack()
	wantFile(t, path, "")
}

// TestInvalidNameServers: they are ignored, and the log says why.
func TestInvalidNameServers(t *testing.T) {
	for _, c := range []struct{ server, why string }{
		{"0.0.0.0", "is not a host address"},
		{"0.1.2.3", "is not a host address"},
		{"127.0.0.1", "is a loopback address"},
		{"224.0.0.251", "is a multicast address"},
		{"255.255.255.255", "is a reserved or broadcast address"},
		{"192.0.2.10", "is our own address"},
	} {
		log, output := newLog()
		h := &Configurer{ResolvConf: filepath.Join(t.TempDir(), "resolv.conf"), Log: log}
		installServers(t, h, agreementWithDNS(netip.MustParseAddr(c.server), server1))
		wantFile(t, h.ResolvConf, "nameserver 192.0.2.53\n")
		if want := "ignoring name server " + c.server + " from the peer: it " + c.why; !strings.Contains(output.String(), want) {
			t.Errorf("the log says %q, want %q", output, want)
		}
	}
}

// TestPPPResolvConfWriteFails: the log says why, and nothing else happens.
func TestPPPResolvConfWriteFails(t *testing.T) {
	log, output := newLog()
	h := &Configurer{ResolvConf: filepath.Join(t.TempDir(), "missing", "resolv.conf"), Log: log}
	installServers(t, h, agreementWithDNS(server1))()
	if text := output.String(); !strings.Contains(text, "usepeerdns") || !strings.Contains(text, "no such file") {
		t.Errorf("the log says %q, want usepeerdns and the cause", text)
	}
}

// TestPPPResolvConfWorldReadable: everybody can read the file, whatever the umask.
func TestPPPResolvConfWorldReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := writeResolvConf(path, []netip.Addr{server1}); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Stat(path); err != nil || f.Mode().Perm() != 0o644 {
		t.Errorf("the file has mode %v, want 0644: %v", f.Mode(), err)
	}
}
