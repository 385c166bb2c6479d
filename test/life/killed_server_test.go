package life

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
	"upppoe/test/freeradius"
	"upppoe/test/lab"
)

// TestKilledServer: the session of a server that is killed goes on with the next one, with its addresses,
// without negotiation, and in the same records of accounting.
func TestKilledServer(t *testing.T) {
	roottest.Need(t, freeradius.Program)
	w := newTestbed(t)
	f := freeradius.Start(t, freeradius.Options{
		Users: radiusUsers, Addr: netip.MustParseAddr("127.0.0.1"),
		Launch: func(cmd *exec.Cmd) error { return w.server.Start(cmd) },
	})
	w.serverFile(t, "secret", freeradius.Secret+"\n", 0o600)
	w.serverFile(t, "server.toml", fmt.Sprintf(radiusConfig, w.serverEtc, `"chap"`, "shared"), 0o600)
	serve := func() *lab.Program {
		p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
		check(t, p.Await("Serving on eth0"))
		return p
	}
	server := serve()
	client := w.dial(t, "password", secret)
	before := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return s.IPv4 != nil })
	gateway := netip.MustParseAddr(before.IPv4.Remote)
	ping := func(what string) {
		t.Helper()
		if _, err := w.client.Ping(gateway, 1, timeout); err != nil {
			t.Errorf("%s: %v\n%s", what, err, server.Log())
		}
	}
	ping("before")
	await(t, "the start record has arrived", func() bool { return len(f.Accounting(t)) >= 2 })
	server.Kill()
	server = serve()
	if !strings.Contains(server.Log(), "Adopted 1 sessions") {
		t.Fatalf("the session is not adopted:\n%s", server.Log())
	}
	ping("after")
	after := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return s.IPv4 != nil })
	if after.IPv4.Local != before.IPv4.Local || strings.Count(client.Log(), "local  IP address") != 1 {
		t.Errorf("the client has negotiated again: %+v, before %+v\n%s", after, before, client.Log())
	}
	client.Stop()
	await(t, "the stop record has arrived", func() bool { return len(f.Accounting(t)) >= 3 })
	server.Stop()
	records := f.Accounting(t)
	var kinds []string
	for _, r := range records {
		kinds = append(kinds, r["Acct-Status-Type"])
	}
	if got := strings.Join(kinds, " "); got != "Accounting-On Start Stop Accounting-Off" {
		t.Fatalf("records: %s\n%s", got, server.Log())
	}
	start, stop := records[1], records[2]
	if stop["Acct-Session-Id"] != start["Acct-Session-Id"] || stop["Class"] != "0x0a0b" || stop["Acct-Input-Packets"] == "0" {
		t.Errorf("start %v, stop %v", start, stop)
	}
}
