package life

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
	"upppoe/test/freeradius"
)

const radiusUsers = user + ` Cleartext-Password := "` + secret + `"
	Framed-IP-Address = 198.51.100.7, Framed-Route = "203.0.113.0/29 0.0.0.0 1",
	MS-Primary-DNS-Server = 192.0.2.53, MS-Secondary-DNS-Server = 192.0.2.54,
	Mikrotik-Rate-Limit = "10M/50M", Framed-MTU = 1400, Acct-Interim-Interval = 60, Class = 0x0a0b

DEFAULT Auth-Type := Reject
	Reply-Message = "No such account"
`

// radiusConfig is a server's file: the directory of its files, the methods, and the device mode.
const radiusConfig = `
[server]
ac-name = "life-ac"
foreground = true
[[interface]]
name = "eth0"
[device]
mode = "%[3]s"
[ipv6]
duid-file = "%[1]s/duid"
[ipv4]
local-address = "192.0.2.1"
first-address = "192.0.2.10"
[authentication]
methods = [%[2]s]
[radius]
timeout = "200ms"
nas-ip-address = "127.0.0.1"
[[radius-server]]
address = "127.0.0.9"
secret = "nobody is there"
[[radius-server]]
address = "127.0.0.1"
secret-file = "%[1]s/secret"
[accounting]
spool = "%[1]s/accounting.db"
[coa]
listen = "127.0.0.1:3799"
[[coa-client]]
address = "127.0.0.1"
secret-file = "%[1]s/secret"
[state]
file = "%[1]s/sessions.log"
[control]
socket = "%[1]s/server.sock"
[log]
debug = true
[scripts]
directory = "%[1]s"
`

// TestRADIUS: clients log in by FreeRADIUS with each method, after a server that does not answer; they get
// what it grants; radclient changes and ends the session; and FreeRADIUS has the records.
func TestRADIUS(t *testing.T) {
	roottest.Need(t, freeradius.Program, "radclient")
	w := newTestbed(t)
	f := freeradius.Start(t, freeradius.Options{
		Users: radiusUsers, Addr: netip.MustParseAddr("127.0.0.1"),
		Launch: func(cmd *exec.Cmd) error { return w.server.Start(cmd) },
	})
	w.serverFile(t, "secret", freeradius.Secret+"\n", 0o600)
	for n, method := range []string{"chap", "mschap-v2", "pap", "eap"} {
		w.serverFile(t, "server.toml", fmt.Sprintf(radiusConfig, w.serverEtc, `"`+method+`"`, "per-session"), 0o600)
		server, err := w.server.Launch(exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
		check(t, err)
		check(t, server.Await("Serving on eth0"))
		client := w.dial(t, "usepeerdns", "password", secret)
		s := w.awaitStatus(t, "the client is online", func(s status.Status) bool { return s.IPv4 != nil })
		if s.IPv4.Local != "198.51.100.7" || strings.Join(s.IPv4.DNS, " ") != "192.0.2.53 192.0.2.54" {
			t.Errorf("%s: %+v", method, s.IPv4)
		}
		w.awaitInServer(t, "mtu 1400", "-o", "link", "show", "ppp0")
		w.awaitInServer(t, "203.0.113.0/29 dev ppp0", "route")
		w.ask(t, "coa", `User-Name = "`+user+`", Mikrotik-Rate-Limit = "3M/4M"`, "Received CoA-ACK")
		if out, _ := w.server.Run(filepath.Join(bin, "pppoe-server"), "session", user, "--json", "--socket", filepath.Join(w.serverEtc, "server.sock")); !strings.Contains(out, `"rate_up":3000,"rate_down":4000`) {
			t.Errorf("%s: after a CoA-Request: %s", method, out)
		}
		w.ask(t, "coa", `User-Name = "`+user+`", Framed-Pool = "x"`, "Error-Cause = Unsupported-Attribute")
		w.ask(t, "disconnect", "Framed-IP-Address = 198.51.100.7", "Received Disconnect-ACK")
		check(t, client.Await("LCP terminated by peer"))
		await(t, "the stop record has arrived", func() bool { return len(f.Accounting(t)) >= 4*n+3 })
		client.Stop()
		if code, err := server.Stop(); code != 0 || err != nil {
			t.Errorf("%s: the server ended with %d, %v:\n%s", method, code, err, server.Log())
		}
		records := f.Accounting(t)
		if len(records) < 4*(n+1) {
			t.Fatalf("%s: %d records\n%s", method, len(records), server.Log())
		}
		for i, kind := range []string{"Accounting-On", "Start", "Stop", "Accounting-Off"} {
			if got := records[4*n+i]; got["Acct-Status-Type"] != kind {
				t.Errorf("%s: record %d is %v, want %s", method, i, got, kind)
			}
		}
		stop := records[4*n+2]
		if stop["User-Name"] != user || stop["Class"] != "0x0a0b" || stop["Framed-IP-Address"] != "198.51.100.7" || stop["Acct-Terminate-Cause"] != "Admin-Reset" {
			t.Errorf("%s: %v", method, stop)
		}
	}
}

// TestRADIUSIPv6: with a device for each session, and with one for all, a client gets the network and the delegated prefix that FreeRADIUS
// grants it, though there are no pools; one that is granted none gets none.
func TestRADIUSIPv6(t *testing.T) {
	for mode, device := range map[string]string{"shared": "pppoe0", "per-session": "ppp0"} {
		t.Run(mode, func(t *testing.T) { radiusIPv6(t, mode, device) })
	}
}

func radiusIPv6(t *testing.T, mode, device string) {
	roottest.Need(t, freeradius.Program)
	w := newSharedTestbed(t)
	freeradius.Start(t, freeradius.Options{
		Users: "alice Cleartext-Password := secret\n\tFramed-IPv6-Prefix = 2001:db8:1:2::/64, Delegated-IPv6-Prefix = 2001:db8:100::/56\nbob Cleartext-Password := secret\n",
		Addr:  netip.MustParseAddr("127.0.0.1"), Launch: func(cmd *exec.Cmd) error { return w.server.Start(cmd) },
	})
	w.serverFile(t, "secret", freeradius.Secret+"\n", 0o600)
	w.serverFile(t, "server.toml", fmt.Sprintf(radiusConfig, w.serverEtc, `"chap"`, mode), 0o600)
	server := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
	check(t, server.Await("Serving on eth0"))
	has := func(s status.Status) bool { return hasGlobal(s) && len(s.IPv6.Delegated) > 0 }
	alice := w.dialAs(t, w.client, "alice", "has an address and a prefix", has, "dhcp6-prefix", "56")
	if a, err := netip.ParsePrefix(alice.IPv6.Addresses[0]); err != nil || !netip.MustParsePrefix("2001:db8:1:2::/64").Contains(a.Addr()) {
		t.Errorf("alice's address is %v, %v", a, err)
	}
	if alice.IPv6.Delegated[0] != "2001:db8:100::/56" {
		t.Errorf("alice's prefixes are %v", alice.IPv6.Delegated)
	}
	w.awaitInServer(t, "2001:db8:1:2::/64 dev "+device, "-6", "route")
	w.awaitInServer(t, "2001:db8:100::/56 ", "-6", "route")
	bob := w.dialAs(t, w.other, "bob", "is online", func(status.Status) bool { return true })
	if bob.IPv6 != nil && len(bob.IPv6.Addresses) > 0 {
		t.Errorf("bob has %v", bob.IPv6.Addresses)
	}
}

// TestRADIUSReload: a reload makes another RADIUS server, with another secret in the same file, the one that
// is asked for the next login, and gets the records; the session that is open stays. A reload with a file
// of a secret that is not there changes nothing, and the log has its line.
func TestRADIUSReload(t *testing.T) {
	roottest.Need(t, freeradius.Program)
	w := newSharedTestbed(t)
	start := func(addr, user, secret string) *freeradius.Server {
		return freeradius.Start(t, freeradius.Options{
			Users: user + " Cleartext-Password := secret\n", Addr: netip.MustParseAddr(addr), Secret: secret,
			Launch: func(cmd *exec.Cmd) error { return w.server.Start(cmd) },
		})
	}
	start("127.0.0.1", "alice", freeradius.Secret)
	other := start("127.0.0.2", "bob", "another")
	w.serverFile(t, "secret", freeradius.Secret+"\n", 0o600)
	config := fmt.Sprintf(radiusConfig, w.serverEtc, `"chap"`, "per-session")
	w.serverFile(t, "server.toml", config, 0o600)
	server := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
	check(t, server.Await("Serving on eth0"))
	online := func(status.Status) bool { return true }
	alice := w.dialAs(t, w.client, "alice", "is online", online)
	reload := func(from, to, want string) {
		t.Helper()
		w.serverFile(t, "server.toml", strings.Replace(config, from, to, 1), 0o600)
		check(t, unix.Kill(server.PID(), unix.SIGHUP))
		check(t, server.Await(want))
	}
	reload("/secret", "/none", `SIGHUP: nothing is changed, as the configuration is invalid: .*server.toml:24: radius-server.2..secret-file: .*give a file with the secret`)
	w.serverFile(t, "secret", "another\n", 0o600)
	reload(`"127.0.0.1"
secret-file`, `"127.0.0.2"
secret-file`, "SIGHUP: options and accounts reloaded")
	w.dialAs(t, w.other, "bob", "is online", online)
	await(t, "bob's start record has arrived", func() bool {
		return slices.ContainsFunc(other.Accounting(t), func(r map[string]string) bool { return r["User-Name"] == "bob" && r["Acct-Status-Type"] == "Start" })
	})
	if after := alice.awaitOnline(t); after.SessionID != alice.SessionID || after.IPv4.Local != alice.IPv4.Local {
		t.Errorf("alice's session was %+v, and is %+v", alice.Status, after)
	}
}

// ask sends a request by radclient to the server, and looks for a text in what it prints.
func (w *testbed) ask(t *testing.T, command, attributes, want string) {
	t.Helper()
	file := filepath.Join(w.serverEtc, "request")
	w.serverFile(t, "request", attributes+"\n", 0o600)
	out, _ := w.server.Run("radclient", "-x", "-r", "2", "-t", "5", "-f", file, "127.0.0.1:3799", command, freeradius.Secret)
	if !strings.Contains(out, want) {
		t.Errorf("%s %s: want %q in\n%s", command, attributes, want, out)
	}
}
