package life

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// TestBadOptions: the error names the file or option, and nothing was started.
func TestBadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		peers   string // after the interface
		options string
		code    int
		text    string
	}{
		"unknown word in a peers file": {"mtu 1400\nmtuu 1400\n", "", 2, `/etc/ppp/peers/isp:3: .*"mtuu"`},
		"number that is none":          {"mtu many\n", "", 2, `/etc/ppp/peers/isp:2: .*"mtu"`},
		"quote without end":            {"ipparam 'x\n", "", 2, `/etc/ppp/peers/isp:2: `},
		"word without its value":       {"mtu", "", 2, `/etc/ppp/peers/isp:2: .*"mtu"`},
		"file that is not there":       {"", "file /etc/ppp/nosuch", 2, `/etc/ppp/nosuch`},
		"file that is a directory":     {"", "file /etc/ppp/peers", 2, `/etc/ppp/peers`},
		"peers file outside":           {"", "call ../options", 2, `\.\.`},
		"VLAN out of range":            {"", "vlan 4095", 2, `"vlan".*4095`},
		"VLAN of three tags":           {"", "vlan 1.2.3", 2, `"vlan"`},
		"MTU out of range":             {"", "mtu 100", 2, `"mtu"`},
		"address that is none":         {"", "192.0.2.300:", 2, `192\.0\.2\.300`},
		"bad MAC":                      {"", "pppoe-mac 02:00", 2, `"pppoe-mac"`},
		"bad source MAC":               {"", "pppoe-source-mac 01:00:5e:00:00:01", 2, `"pppoe-source-mac"`},
		"Host-Uniq too long":           {"", "host-uniq " + strings.Repeat("00", 1025), 2, `"host-uniq"`},
		"device's name too long":       {"", "ifname abcdefghijklmnop", 2, `abcdefghijklmnop`},
		"no such password file":        {"", "password-file /etc/ppp/nosuch", 1, `/etc/ppp/nosuch`},
		"priority without a tag":       {"", "pppoe-pcp 6", 2, `priority`},
		"no such variable":             {"", "password-env NO_SUCH", 2, `NO_SUCH`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			w.serve(t)
			w.write(t, "etc/peers/isp", "eth0\n"+c.peers, 0o600)
			args := append([]string{"call", "isp", "user", user, "noauth", "nodetach"}, strings.Fields(c.options)...)
			r := w.run(t, "pppoe-client", args...)
			if r.code != c.code || !regexp.MustCompile(c.text).MatchString(r.stderr) {
				t.Errorf("code %d, want %d and %q:\n%s", r.code, c.code, c.text, r.stderr)
			}
			w.leftNothing(t)
		})
	}
}

// TestMissingSecret: a missing secret is logged, with the exit code of a wrong one.
func TestMissingSecret(t *testing.T) {
	for name, secrets := range map[string]string{"no file": "", "another user's": "another * secret *\n"} {
		t.Run(name, func(t *testing.T) {
			w := newTestbed(t)
			w.serve(t)
			if secrets != "" {
				w.write(t, "etc/chap-secrets", secrets, 0o600)
			}
			r := w.run(t, "pppoe-client", "eth0", "user", user, "noauth", "nodetach")
			if r.code != 19 || !regexp.MustCompile(`No CHAP secret found for authenticating us to .life-ac.`).MatchString(r.stderr) {
				t.Errorf("%+v", r)
			}
			w.leftNothing(t)
		})
	}
}

// TestUnreadableSecrets: the error names the file that cannot be read.
func TestUnreadableSecrets(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	check(t, os.Mkdir(filepath.Join(w.dir, "etc/chap-secrets"), 0o700))
	r := w.run(t, "pppoe-client", "eth0", "user", user, "noauth", "nodetach")
	if r.code == 0 || !strings.Contains(r.stderr, "/etc/ppp/chap-secrets") {
		t.Errorf("%+v", r)
	}
	w.leftNothing(t)
}

// TestOpenSecrets: a warning is logged if others can read the file, which is used.
func TestOpenSecrets(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/chap-secrets", user+" * "+secret+" *\n", 0o644)
	p := w.start(t, "pppoe-client", "eth0", "user", user, "noauth", "nodetach")
	check(t, p.Await("secret file /etc/ppp/chap-secrets has world and/or group access"))
	w.awaitOnline(t)
}

// TestInvalidAddresses: addresses that a concentrator must not assign are rejected.
func TestInvalidAddresses(t *testing.T) {
	const own = "192.0.2.1"
	for name, c := range map[string]struct {
		assign, own string
		code        int
	}{
		"we are 0.0.0.0":         {"0.0.0.0", own, 10},
		"we are multicast":       {"224.0.0.1", own, 10},
		"we are loopback":        {"127.0.0.1", own, 10},
		"we are broadcast":       {"255.255.255.255", own, 10},
		"we are reserved":        {"240.0.0.1", own, 10},
		"it is multicast":        {"192.0.2.10", "239.1.2.3", 10},
		"it is loopback":         {"192.0.2.10", "127.0.0.1", 10},
		"it is broadcast":        {"192.0.2.10", "255.255.255.255", 10},
		"we have it on our eth1": {"198.51.100.2", own, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			w.addOtherDefaultRoute(t, "100")
			before := w.ipv4State(t)
			newFakeAC(t, w.server, "odd", fault{assign: ip(c.assign), local: ip(c.own)})
			args := append(append([]string{"eth0", "nodetach", "json", "defaultroute", "replacedefaultroute", "usepeerdns", "resolv", "file"}, account...), strings.Fields(shortTimeouts)...)
			r := w.run(t, "pppoe-client", args...)
			told := events(t, r.stdout)
			if last := told[len(told)-1]; r.code != c.code || last.End == nil || last.End.ExitCode != c.code || len(eventsNamed(told, "online")) > 0 {
				t.Errorf("code %d, want %d:\n%s%s", r.code, c.code, r.stdout, r.stderr)
			}
			if c.code == 1 && !strings.Contains(r.stderr, c.assign) {
				t.Errorf("it does not name the address:\n%s", r.stderr)
			}
			w.checkUnchanged(t, before)
		})
	}
}

// TestPeerWithoutAddress: as with pppd, a session comes up without the concentrator's own address,
// or the client's, with a warning: the device gets pppd's address for such a peer, or none with
// noremoteip, never 0.0.0.0.
func TestPeerWithoutAddress(t *testing.T) {
	const defaulted = "Could not determine remote IP address: defaulting to 10.64.64.64\n"
	for name, c := range map[string]struct {
		assign, own, options string
		warning              string
		remote, set          string // in the status, where 0.0.0.0 means none, and on the device
	}{
		"it is 0.0.0.0":             {"192.0.2.10", "0.0.0.0", "", defaulted, "10.64.64.64", "192.0.2.10 peer 10.64.64.64/32"},
		"it is 0.0.0.0, noremoteip": {"192.0.2.10", "0.0.0.0", "noremoteip", "", "0.0.0.0", "192.0.2.10/32"},
		"both are the same":         {"192.0.2.1", "192.0.2.1", "", "The peer has the same IP address as this side: 192.0.2.1\n", "192.0.2.1", "192.0.2.1/32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestbed(t)
			w.addOtherDefaultRoute(t, "100")
			before := w.ipv4State(t)
			newFakeAC(t, w.server, "odd", fault{assign: ip(c.assign), local: ip(c.own)})
			p := w.dial(t, strings.Fields("defaultroute replacedefaultroute usepeerdns resolv file "+shortTimeouts+" "+c.options)...)
			if s := w.awaitOnline(t); s.IPv4.Local != c.assign || s.IPv4.Remote != c.remote {
				t.Errorf("it is online with %+v, want %s and %q", s.IPv4, c.assign, c.remote)
			}
			if got := strings.Fields(w.ip(t, "-4", "-brief", "address", "show", "dev", "ppp0")); len(got) < 2 || strings.Join(got[2:], " ") != c.set {
				t.Errorf("the device has %q, want %s", got, c.set)
			}
			if got := w.ip(t, "-4", "route", "show", "default"); !strings.HasPrefix(got, "default dev ppp0") {
				t.Errorf("the default route is %q", got)
			}
			p.Stop()
			if n := strings.Count(p.Log(), "remote IP address: ") + strings.Count(p.Log(), "the same IP address as"); !strings.Contains(p.Log(), c.warning) || (n == 1) != (c.warning != "") {
				t.Errorf("want the warning %q, once, in\n%s", c.warning, p.Log())
			}
			w.checkUnchanged(t, before)
		})
	}
}

// checkUnchanged checks that no device and no file is left, and that the machine's IPv4
// configuration is as before.
func (w *testbed) checkUnchanged(t testing.TB, before string) {
	t.Helper()
	await(t, "no device is left", func() bool { return len(w.links(t)) == 0 })
	if after := w.ipv4State(t); after != before {
		t.Errorf("before it was\n%s\nnow it is\n%s", before, after)
	}
	w.leftNoFiles(t)
}

// ipv4State returns the IPv4 configuration of the client's machine.
func (w *testbed) ipv4State(t testing.TB) string {
	t.Helper()
	return w.ip(t, "-4", "-brief", "address", "show") + w.ip(t, "-4", "route", "show", "table", "all")
}

// TestInvalidNameServers are ignored: the session comes up without them.
func TestInvalidNameServers(t *testing.T) {
	for _, bad := range []string{"0.0.0.0", "224.0.0.1", "255.255.255.255", "127.0.0.1"} {
		w := newTestbed(t)
		newFakeAC(t, w.server, "odd", fault{dns: [2]netip.Addr{ip(bad), ip("192.0.2.54")}})
		p := w.dial(t, append(strings.Fields(shortTimeouts), "usepeerdns", "resolv", "file")...)
		s := w.awaitOnline(t)
		if got := strings.Join(s.IPv4.DNS, " "); got != "192.0.2.54" {
			t.Errorf("with %s, the servers are %s", bad, got)
		}
		if got := w.read("etc/resolv.conf"); got != "nameserver 192.0.2.54\n" {
			t.Errorf("with %s, /etc/ppp/resolv.conf holds %q", bad, got)
		}
		p.Stop()
		w.leftNothing(t)
	}
}

// TestDeviceTaken: the requested device name is in use, and its device is not changed.
func TestDeviceTaken(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	check(t, lab.Veth(lab.End{In: w.client, Name: "wan"}, lab.End{In: labtest.Namespace(t), Name: "eth0"}))
	r := w.run(t, "pppoe-client", append([]string{"eth0", "nodetach", "ifname", "wan"}, account...)...)
	if r.code != 1 || !strings.Contains(r.stderr, "wan") || !w.links(t)["wan"] {
		t.Errorf("%+v, with devices %v", r, w.links(t))
	}
}

// TestReadOnlyDirectories: the client works if /run and /var/lib are not writable.
func TestReadOnlyDirectories(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	for _, name := range []string{"run", "lib"} {
		check(t, os.Remove(filepath.Join(w.dir, name)))
		check(t, os.Mkdir(filepath.Join(w.dir, name), 0o755))
	}
	binds := w.binds()
	for i := range binds {
		if over := binds[i].Target; over == "/run" || over == "/var/lib" {
			binds[i].Source = "/proc/sys" // where no file can be created
		}
	}
	p := launch(t, w.client, w.command("pppoe-client", append([]string{"eth0", "nodetach", "debug"}, account...)...), binds...)
	check(t, p.Await("remote IP address 192.0.2.1\n"))
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	if code, err := p.Stop(); code != 5 || err != nil {
		t.Errorf("it ended with %d, %v", code, err)
	}
}
