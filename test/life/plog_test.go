package life

import (
	"strings"
	"testing"
)

// TestLogAfterTheEnd: the log of a client that has failed or ended can still be read, with or
// without the name of its peer, and as many lines as requested.
func TestLogAfterTheEnd(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/peers/isp", strings.Replace(peerFile, secret, "wrong", 1), 0o600)
	if r := w.run(t, "pppd", "call", "isp", "updetach"); r.code != 19 {
		t.Fatalf("%+v", r)
	}
	for _, command := range []string{"plog", "plog isp", "pppoe-client log", "pppoe-client log isp"} {
		name, args, _ := strings.Cut(command, " ")
		r := w.run(t, name, strings.Fields(args)...)
		if r.code != 0 || r.stderr != "" || strings.Count(r.stdout, "CHAP authentication failed\n") != 1 || !strings.Contains(r.stdout, ": pppd[") || strings.Contains(r.stdout, "wrong") {
			t.Errorf("%s: %+v", command, r)
		}
	}
	for _, args := range []string{"-n 1", "-n1", "-1", "isp -n 1"} {
		if r := w.run(t, "plog", strings.Fields(args)...); r.code != 0 || r.stdout != "Exit.\n" {
			t.Errorf("plog %s: %+v", args, r)
		}
	}
	for _, args := range []string{"other", "-f"} {
		if r := w.run(t, "plog", args); r.code != 1 || r.stdout != "" {
			t.Errorf("plog %s: %+v", args, r)
		}
	}
	if r := w.run(t, "plog", "-n", "x"); r.code != 2 {
		t.Errorf("plog -n x: %+v", r)
	}
	w.write(t, "etc/peers/other", peerFile, 0o600)
	if r := w.run(t, "pppoe-client", "call", "other"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r := w.run(t, "plog", "-n", "1"); r.code != 0 || strings.Count(r.stdout, "\n") != 1 || r.stdout == "Exit.\n" {
		t.Errorf("of one that runs: %+v", r)
	}
	w.run(t, "poff")
	if r := w.run(t, "plog"); r.code != 0 || !strings.Contains(r.stdout, "==> isp <==\n") || strings.Index(r.stdout, "==> other <==\n") < strings.Index(r.stdout, "==> isp <==\n") ||
		!strings.Contains(r.stdout, "Terminating on signal 15") {
		t.Errorf("of two that have ended: %+v", r)
	}
}
