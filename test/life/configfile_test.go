package life

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// serverConfig is a configuration file, with the rate to clients and the file of accounts.
const serverConfig = `
[server]
ac-name = "life-ac"
foreground = true
[[interface]]
name = "eth0"
[ipv4]
local-address = "192.0.2.1"
first-address = %q
[policy]
rate-down = %q
[authentication]
methods = ["chap"]
chap-secrets = %q
[state]
file = "none"
[control]
socket = "none"
`

// TestConfigFile: a server by its configuration file, in which an account with an unclosed quote costs that
// account alone. A file with an error changes nothing, and the log has each with its line; another applies to
// new sessions, and the log names what needs an upgrade or a restart. The open session is not affected.
func TestConfigFile(t *testing.T) {
	w := newTestbed(t)
	file, accounts := filepath.Join(w.serverEtc, "server.toml"), filepath.Join(w.serverEtc, "chap-secrets")
	w.serverFile(t, "chap-secrets", fmt.Sprintf("other * \"unclosed *\n%q * %q *\n", user, secret), 0o600)
	w.serverFile(t, "server.toml", fmt.Sprintf(serverConfig, "192.0.2.10", "20M", accounts), 0o600)
	p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", file))
	check(t, p.Await(`chap-secrets:1: line ignored: the quote " is not closed`))
	check(t, p.Await("Serving on eth0"))
	w.dial(t)
	before := w.awaitOnline(t)
	w.serverFile(t, "server.toml", fmt.Sprintf(serverConfig, "192.0.2.10", "20", accounts)+"grop = \"adm\"\n", 0o600)
	check(t, unix.Kill(p.PID(), unix.SIGHUP))
	check(t, p.Await(`SIGHUP: nothing is changed, as the configuration is invalid: .*server.toml:11: policy.rate-down: "20" is not valid: give a rate`))
	check(t, p.Await(`SIGHUP: nothing is changed, .*server.toml:19: control.grop: unknown key: give the key group`))
	w.serverFile(t, "server.toml", fmt.Sprintf(serverConfig, "192.0.2.20", "1G", accounts), 0o600)
	check(t, unix.Kill(p.PID(), unix.SIGHUP))
	check(t, p.Await("SIGHUP: a change of ipv4.first-address takes effect at an upgrade, which keeps sessions, or at a restart"))
	check(t, p.Await("SIGHUP: options and accounts reloaded"))
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	if after := w.awaitOnline(t); after.PID != before.PID || after.IPv4.Local != before.IPv4.Local || after.SessionID != before.SessionID {
		t.Errorf("the session was %+v, and is %+v", before, after)
	}
	code, err := p.Stop()
	check(t, err)
	if code != 0 {
		t.Errorf("the server ended with %d", code)
	}
}
