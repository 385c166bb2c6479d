package life

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	w.ip(t, "link", "set", "eth0", "down")
	if is, texts = w.diagnose(t, 1, account...); is["interface"] != "error" || is["concentrators"] != "skipped" || !strings.Contains(texts["interface"], "ip link set eth0 up") {
		t.Errorf("down: %v", texts)
	}
	if r := w.run(t, "pppoe-client", "doctor", "nic-nosuch"); r.code != 1 || !strings.Contains(r.stdout, "error    interface     interface nosuch does not exist\n") {
		t.Errorf("%+v", r)
	}
	w.leftNothing(t)
}
