package life

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// diagnose runs doctor, and returns the verdict of each check; the last one counts.
func (w *testbed) diagnose(t testing.TB, code int, args ...string) (verdicts, texts map[string]string) {
	t.Helper()
	r := w.run(t, "pppoe-client", append([]string{"doctor", "eth0", "--json"}, args...)...)
	var d struct {
		Interface string
		OK        bool
		Findings  []struct{ Check, Verdict, Text, Mend string }
	}
	if err := json.Unmarshal([]byte(r.stdout), &d); err != nil || r.code != code || d.OK != (code == 0) || strings.Contains(r.stdout, secret) {
		t.Fatalf("code %d, want %d: %v: %s%s", r.code, code, err, r.stdout, r.stderr)
	}
	verdicts, texts = make(map[string]string), make(map[string]string)
	for _, f := range d.Findings {
		verdicts[f.Check] = f.Verdict
		texts[f.Check] += f.Text + ": " + f.Mend + "\n"
	}
	return verdicts, texts
}

// TestDoctor: each obstacle is found, with what to do; nothing is left.
func TestDoctor(t *testing.T) {
	w := newTestbed(t)
	server := w.serve(t)
	w.write(t, "etc/secret", secret+"\n", 0o600)
	is, texts := w.diagnose(t, 0, fileAccount...)
	for _, check := range []string{"rights", "tun", "interface", "mtu", "clients", "concentrators", "login", "dns"} {
		if is[check] != "ok" {
			t.Errorf("%s is %q: %s", check, is[check], texts[check])
		}
	}
	if !strings.Contains(texts["concentrators"], "life-ac (") {
		t.Error(texts["concentrators"])
	}
	w.write(t, "etc/secret", secret+"\n", 0o644)
	if is, texts = w.diagnose(t, 0, fileAccount...); is["login"] != "warning" || !strings.Contains(texts["login"], "/etc/ppp/secret") {
		t.Errorf("an open file: %q", texts["login"])
	}
	if is, texts = w.diagnose(t, 1, "user", user, "pppoe-ac", "other"); is["login"] != "error" || is["concentrators"] != "error" || !strings.Contains(texts["concentrators"], "pppoe-ac") {
		t.Errorf("no password, and another name: %v", texts)
	}
	server.Stop()
	p := launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "--vlan", "7", "-C", "life-ac", "-F", "--etc", w.serverEtc))
	check(t, p.Await("Serving on "))
	if is, texts = w.diagnose(t, 1, account...); is["concentrators"] != "error" || !strings.Contains(texts["vlans"], "on VLAN 7 answers: option vlan 7\n") {
		t.Errorf("another VLAN: %v", texts)
	}
	p.Stop()
	p = launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "--vlan", "100.7", "-C", "life-ac", "-F", "--etc", w.serverEtc))
	check(t, p.Await("Serving on "))
	stop := sendTagged(t, w.server, vlan.Stack{{TPID: vlan.STag, VID: 100}})
	if is, texts = w.diagnose(t, 1, account...); is["concentrators"] != "error" || !strings.Contains(texts["vlans"], "on VLAN 100.7 answers: option vlan 100.7\n") {
		t.Errorf("two tags: %v", texts)
	}
	stop()
	w.ip(t, "link", "set", "eth0", "down")
	if is, texts = w.diagnose(t, 1, account...); is["interface"] != "error" || is["concentrators"] != "skipped" || !strings.Contains(texts["interface"], "ip link set eth0 up") {
		t.Errorf("down: %v", texts)
	}
	w.leftNothing(t)
}

// sendTagged sends a broadcast with tags from eth0 ten times a second, until stop is called.
func sendTagged(t testing.TB, from *lab.Namespace, tags vlan.Stack) (stop func()) {
	t.Helper()
	var port *afpacket.Port
	check(t, from.Do(func() (err error) {
		port, err = afpacket.OpenTrunk(afpacket.Attachment{Interface: "eth0"}, wire.EtherTypeDiscovery)
		return err
	}))
	frame := append(bytes.Repeat([]byte{0xff}, 6), 2, 0, 0x5e, 0, 0x53, 9, 0x08, 0x06)
	frame = tags.Insert(append(frame, make([]byte, 46)...), 0)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer port.Close()
		for tick := time.NewTicker(100 * time.Millisecond); ; {
			select {
			case <-done:
				return
			case <-tick.C:
				port.WriteBatch([][]byte{frame})
			}
		}
	}()
	return func() { close(done); <-ended }
}

// TestDoctorText: what people read, without the lines that depend on the machine.
func TestDoctorText(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/secret", secret+"\n", 0o600)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"all is well": {append([]string{"eth0"}, fileAccount...), 0, `ok       rights        CAP_NET_RAW and CAP_NET_ADMIN are there
ok       tun           /dev/net/tun can be opened
ok       interface     eth0 is up, with carrier, address MAC
ok       mtu           packets of up to 1492 octets pass the interface
ok       clients       no other pppoe-client uses eth0
ok       concentrators life-ac (MAC) answered after N ms on eth0
ok       login         there is a password for "testuser", which others cannot read
No error: a session can be dialled.
`},
		"another name": {[]string{"eth0", "pppoe-ac", "other", "mtu", "1500", "mru", "1500"}, 1, `ok       rights        CAP_NET_RAW and CAP_NET_ADMIN are there
ok       tun           /dev/net/tun can be opened
ok       interface     eth0 is up, with carrier, address MAC
warning  mtu           packets of 1500 octets are requested, and the MTU of eth0 has room for 1492
                       try: nothing, if the client may change it: it sets 1508 while it runs; switches and modem must carry that too
ok       clients       no other pppoe-client uses eth0
error    concentrators MAC ("life-ac") answered, but its AC-Name is not the configured one: omit pppoe-ac, or set it to this name
                       try: change or omit the option that excludes it
warning  login         no user is given: a concentrator that requires authentication ends the session
                       try: add user NAME and password-file FILE
There are errors: mend the first one, and run this again.
`},
		"no interface": {append([]string{"eth1"}, fileAccount...), 1, `ok       rights        CAP_NET_RAW and CAP_NET_ADMIN are there
ok       tun           /dev/net/tun can be opened
error    interface     interface eth1 does not exist
                       try: one of these: eth0 (did you mean eth0?)
skipped  mtu           the interface is not usable
ok       clients       no other pppoe-client uses eth1
skipped  concentrators a usable interface and CAP_NET_RAW are needed
ok       login         there is a password for "testuser", which others cannot read
There are errors: mend the first one, and run this again.
`},
	} {
		r := w.run(t, "pppoe-client", append([]string{"doctor"}, c.args...)...)
		if got := onAnyMachine(r.stdout); r.code != c.code || got != c.want {
			t.Errorf("%s: code %d, and\n%s\nwant\n%s", name, r.code, got, c.want)
		}
	}
}

// onAnyMachine removes from a text of doctor the lines about the kernel and the name servers, and what else differs.
func onAnyMachine(text string) string {
	text = regexp.MustCompile(`(?m)^\w+ +(kernel|dns) .*\n( +try: .*\n)?`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`after [0-9.]+ ms`).ReplaceAllString(text, "after N ms")
	return generalized(strings.ReplaceAll(text, " at 10000 Mbit/s", ""))
}
