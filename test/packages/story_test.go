package packages

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	serverAddress = "192.0.2.1"
	clientAddress = "198.51.100.1"
	nameServer    = "192.0.2.53" // which the server gives to clients
)

// setUpServer installs the server and configures it as its file says, on eth0.
func setUpServer(m *machine) {
	m.t.Helper()
	m.install(older, "upppoe-server", "upppoe-discovery")
	configureServer(m)
	m.run("systemctl", "enable", "--now", "pppoe-server")
	m.awaitState("active", "pppoe-server")
}

// configureServer configures the server as its file says.
func configureServer(m *machine) {
	m.t.Helper()
	m.shell(`sed -i 's/"eth1"/"eth0"/; s/^# dns/dns/' /etc/upppoe/server.toml
		echo '"alice" * "her password" *' >>/etc/ppp/chap-secrets
		pppoe-server check`)
}

// setUpClient installs the client and dials as the example of the package does.
func setUpClient(m *machine) {
	m.t.Helper()
	m.install(older, "upppoe-client", "upppoe-discovery")
	configureClient(m)
	m.run("systemctl", "enable", "--now", "pppoe-client@isp") // returns once it is online
}

// configureClient configures the client as the example of the package does.
func configureClient(m *machine) {
	m.t.Helper()
	m.shell(`sed 's/me@isp.example/alice/' /usr/share/doc/upppoe-client/examples/isp.peer >/etc/ppp/peers/isp
		(umask 77; echo 'her password' >/etc/ppp/secret)`)
}

// sinceOnline returns when the server's only session began, which it keeps over a restart. It waits for the session:
// packets pass before a server that has just begun has adopted it.
func sinceOnline(m *machine) (since time.Time) {
	m.t.Helper()
	await(m.t, "the session of pppoe-server sessions --json", func() bool {
		var all []struct {
			Since time.Time `json:"online_since"`
		}
		out, err := m.try("pppoe-server", "sessions", "--json")
		if err != nil || json.Unmarshal([]byte(out), &all) != nil || len(all) != 1 {
			return false
		}
		since = all[0].Since
		return !since.IsZero()
	})
	return since
}

// wantOnline checks that packets pass between both ends.
func wantOnline(near, far *machine) {
	near.t.Helper()
	near.ping(serverAddress)
	far.ping(clientAddress)
}

// wantConfined checks that a service runs with the restrictions of its unit, and without others' capabilities.
func wantConfined(m *machine, unit string) {
	m.t.Helper()
	pid := strings.TrimSpace(m.run("systemctl", "show", "-P", "MainPID", unit))
	status := m.run("cat", "/proc/"+pid+"/status")
	// CAP_NET_BIND_SERVICE 10, CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_PERFMON 38, CAP_BPF 39
	bounds := fmt.Sprintf("CapBnd:\t%016x\n", uint64(1<<10|1<<12|1<<13|1<<38|1<<39))
	for _, want := range []string{bounds, "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(status, want) {
			m.t.Errorf("%s: /proc/%s/status lacks %q:\n%s", unit, pid, want, status)
		}
	}
}

// TestStory installs the packages on two systems, serves and dials as the units do, reloads, restarts and
// upgrades without the loss of the session, dials as root, and purges.
func TestStory(t *testing.T) {
	t.Parallel()
	near, far := two(t)
	setUpServer(far)
	setUpClient(near)
	wantOnline(near, far)
	wantConfined(far, "pppoe-server.service")
	wantConfined(near, "pppoe-client@isp.service")
	if out := near.run("pppoe-discovery", "-I", "eth0", "--first"); !strings.Contains(out, "Access-Concentrator: ") {
		t.Errorf("pppoe-discovery prints\n%s", out)
	}
	began := sinceOnline(far)
	reload(far)
	far.run("systemctl", "restart", "pppoe-server")
	wantOnline(near, far)
	upgrade(near, far)
	if now := sinceOnline(far); now.Sub(began).Abs() > time.Second { // it is kept to a millisecond
		t.Errorf("the session began %v, now %v: it did not survive", began, now)
	}
	wantUnit(near, "pppoe-client@isp.service")
	wantUnit(far, "pppoe-server.service")
	wantRotated(near)
	for _, m := range []*machine{near, far} {
		if complaints := m.run("journalctl", "--no-pager", "-o", "cat", "-p", "warning", "-t", "pppoe-client", "-t", "pppoe-server"); strings.Contains(complaints, "permitted") || strings.Contains(complaints, "opened anew") || strings.Contains(complaints, "denied") {
			t.Errorf("a unit lacks a right:\n%s", complaints)
		}
	}
	near.run("systemctl", "disable", "--now", "pppoe-client@isp")
	if state := near.run("systemctl", "show", "-P", "Result", "pppoe-client@isp"); state != "success\n" {
		t.Errorf("the client that was stopped has the result %s", state)
	}
	near.run("pppoe-client", "call", "isp") // as root
	wantOnline(near, far)
	near.run("pppoe-client", "stop", "isp")
	wantOpenWrt(near, far)
	wantDispatched(near, far)
	purge(near, far)
}

// wantDispatched: NetworkManager's dispatcher script starts and stops the session.
func wantDispatched(near, far *machine) {
	near.t.Helper()
	script := "/usr/share/doc/upppoe-client/examples/NetworkManager/dispatcher.d/50-pppoe-isp"
	near.run(script, "wlan0", "up")
	near.run(script, "eth0", "up")
	near.awaitState("active", "pppoe-client@isp")
	wantOnline(near, far)
	near.run(script, "eth0", "down")
	near.awaitState("inactive", "pppoe-client@isp")
}

// reload reads the server's configuration again: an invalid one is reported, and changes nothing.
func reload(m *machine) {
	m.t.Helper()
	m.run("systemctl", "reload", "pppoe-server")
	m.shell(`cp /etc/upppoe/server.toml /tmp/server.toml; echo 'nonsense = 1' >>/etc/upppoe/server.toml`)
	if out, err := m.try("systemctl", "reload", "pppoe-server"); err == nil {
		m.t.Errorf("an invalid configuration was loaded: %s", out)
	}
	m.shell(`cat /tmp/server.toml >/etc/upppoe/server.toml; systemctl is-active pppoe-server`)
	m.run("systemctl", "reload", "pppoe-server")
}

// upgrade installs the newer packages over the older, whose configuration was changed.
func upgrade(near, far *machine) {
	near.t.Helper()
	far.install(newer, "upppoe-server", "upppoe-discovery")
	near.install(newer, "upppoe-client", "upppoe-discovery")
	near.awaitVersion(newer, "pppoe-client@isp")
	far.awaitVersion(newer, "pppoe-server")
	near.awaitState("active", "pppoe-client@isp")
	wantOnline(near, far)
	if text := far.run("cat", "/etc/upppoe/server.toml"); !strings.Contains(text, `"eth0"`) {
		far.t.Errorf("the upgrade has changed the configuration:\n%s", text)
	}
}

// purge removes the packages with their configuration: nothing is left, and the programs that had the names
// have them again.
func purge(near, far *machine) {
	near.t.Helper()
	for m, names := range map[*machine][]string{near: {"upppoe-client", "upppoe-discovery"}, far: {"upppoe-server", "upppoe-discovery"}} {
		m.run(append([]string{"dpkg", "--purge"}, names...)...)
		left := m.shell(`find /etc /usr /var /run -name '*upppoe*' ! -path '/run/systemd/*' ! -path '/var/lib/dpkg/*'; dpkg-divert --list '*upppoe*'; systemctl list-unit-files | grep pppoe || true`)
		if left != "" {
			m.t.Errorf("after the purge there are\n%s", left)
		}
		if out := m.run("dpkg", "--verify", "ppp", "pppoe"); out != "" {
			m.t.Errorf("after the purge files of others are missing:\n%s", out)
		}
	}
}

// wantUnit: systemd finds nothing wrong with a unit, and rates what it may do as little.
func wantUnit(m *machine, unit string) {
	m.t.Helper()
	if out := m.run("systemd-analyze", "verify", "--man=no", unit); out != "" {
		m.t.Errorf("%s:\n%s", unit, out)
	}
	m.run("systemd-analyze", "security", "--no-pager", "--threshold=40", unit)
}

// wantRotated: logrotate accepts the client's file, and rotates.
func wantRotated(m *machine) {
	m.t.Helper()
	m.shell(`echo line >/var/log/upppoe/client-isp.log
		logrotate -f /etc/logrotate.d/upppoe-client
		grep -q line /var/log/upppoe/client-isp.log.1`)
}
