package life

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"

	"upppoe/internal/roottest"
)

// captured is what a capture file has: the frames in tcpdump's words, and all comments.
type captured struct{ frames, comments, raw string }

func readCapture(t testing.TB, path string) (c captured) {
	t.Helper()
	raw, err := os.ReadFile(path)
	check(t, err)
	c.raw = string(raw)
	r, err := pcapgo.NewNgReader(bytes.NewReader(raw), pcapgo.DefaultNgReaderOptions)
	check(t, err)
	for {
		_, _, options, err := r.ReadPacketDataWithOptions()
		if err != nil {
			break
		}
		c.comments += strings.Join(append(options.Comments, ""), "\n")
	}
	text, err := exec.Command("tcpdump", "-nevr", path).CombinedOutput()
	if err != nil {
		t.Fatalf("tcpdump: %v: %s", err, text)
	}
	c.frames = string(text)
	return c
}

// TestCapture: the three programs write what they send and receive, and their logs as comments; a password
// is not in it.
func TestCapture(t *testing.T) {
	roottest.NeedPrograms(t, "tcpdump")
	w := newTestbed(t)
	w.serverOptions(t, "require-pap\n")
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	server := w.serve(t, "--vlan", "7", "--pcap", file("server"))
	client := w.dial(t, "vlan", "7", "pppoe-pcp", "6", "pcap", file("client"), "pcap-data", "datapath", "plain")
	w.awaitOnline(t)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	if r := w.run(t, "pppoe-discovery", "-I", "eth0", "--vlan", "7", "--pcap", file("discovery"), "--first"); r.code != 0 {
		t.Errorf("discovery: %+v", r)
	}
	if code, err := client.Stop(); code != 5 || err != nil {
		t.Errorf("client: %d, %v", code, err)
	}
	server.Stop()

	for name, want := range map[string][]string{
		"client":    {"vlan 7, p 6", "PADI", "PADT", "IPCP", "ICMP echo request"},
		"server":    {"vlan 7", "PADI", "PADT", "IPCP"},
		"discovery": {"vlan 7", "PADI", "PADO"},
	} {
		c := readCapture(t, file(name))
		for _, text := range want {
			if !strings.Contains(c.frames, text) {
				t.Errorf("%s has no %q:\n%s", name, text, c.frames)
			}
		}
		if strings.Contains(c.raw, secret) || name == "server" && strings.Contains(c.frames, "ICMP") {
			t.Errorf("%s has a password, or data:\n%s", name, c.frames)
		}
	}
	for name, want := range map[string]string{
		"client": "PAP authentication succeeded\n", "server": `Peer "testuser" authenticated with PAP`, "discovery": `"life-ac"`,
	} {
		if c := readCapture(t, file(name)); !strings.Contains(c.comments, want) {
			t.Errorf("%s has no comment %q:\n%s", name, want, c.comments)
		}
	}
}

// TestCaptureErrors: a capture that cannot be written ends the program before it dials.
func TestCaptureErrors(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	for options, want := range map[string]string{
		"pcap /nosuch/file nodetach": "/nosuch/file",
		"pcap -":                     "nodetach",
		"pcap - json nodetach":       "json",
		"pcap /etc nodetach":         "/etc is a directory",
	} {
		r := w.run(t, "pppoe-client", append(append([]string{"eth0"}, account...), strings.Fields(options)...)...)
		if r.code == 0 || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %+v", options, r)
		}
	}
	w.leftNothing(t)
}
