package life

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
)

// peerFile is a peers file for the account.
const peerFile = "eth0\nuser " + user + "\npassword " + secret + "\nnoauth\ndebug\n"

// TestDetach: when the command returns, and which process continues.
func TestDetach(t *testing.T) {
	for name, c := range map[string]struct {
		program, option string
		online          bool // when the command returns, the client is online
	}{
		"pppd":                {"pppd", "", false},
		"pppd updetach":       {"pppd", "updetach", true},
		"pon":                 {"pon", "", false},
		"pon updetach":        {"pon", "updetach", true},
		"pppoe-client":        {"pppoe-client", "", true},
		"pppoe-client option": {"pppoe-client", "updetach", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestbed(t)
			w.serve(t)
			w.write(t, "etc/peers/isp", peerFile+c.option, 0o600)
			args := []string{"call", "isp"}
			if c.program == "pon" {
				args = args[1:]
			}
			r := w.run(t, c.program, args...)
			if r.code != 0 {
				t.Fatalf("it ended with %+v", r)
			}
			all := w.status(t)
			if len(all) != 1 {
				t.Fatalf("%d clients run in the background: %+v", len(all), r)
			}
			if c.online && !isOnline(all[0]) {
				t.Errorf("the caller went on when the client was %+v", all[0])
			}
			s := w.awaitOnline(t)
			if s.Call != "isp" || s.Attachment != "eth0" || s.Device != "ppp0" {
				t.Errorf("the client says it is %+v", s)
			}
			if session, err := unix.Getsid(s.PID); err != nil || session != s.PID {
				t.Errorf("it is in the session of %d, %v", session, err)
			}
			if r := w.run(t, "poff"); r.code != 0 {
				t.Errorf("poff: %+v", r)
			}
			awaitExit(t, s.PID)
		})
	}
}

// TestNoDetach: the client stays in the foreground and logs to its terminal.
func TestNoDetach(t *testing.T) {
	for _, name := range []string{"pppd", "pon"} {
		w := newTestbed(t)
		w.serve(t)
		w.write(t, "etc/peers/isp", peerFile+"nodetach", 0o600)
		args := []string{"call", "isp"}
		if name == "pon" {
			args = args[1:]
		}
		p := w.start(t, name, args...)
		check(t, p.Await("remote IP address 192.0.2.1\n"))
		if s := w.awaitOnline(t); s.PID != p.PID() {
			t.Errorf("%s: process %d is online, want %d", name, s.PID, p.PID())
		}
		check(t, unix.Kill(p.PID(), unix.SIGTERM))
		wantExit(t, p, 5)
	}
}

// TestDetachedFails: with updetach, the command reports why the link did not come up.
func TestDetachedFails(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	r := w.run(t, "pppd", "eth0", "user", user, "password", "wrong", "noauth", "updetach")
	if r.code != 19 || !strings.Contains(r.stderr, "CHAP authentication failed") {
		t.Errorf("a wrong password: %+v", r)
	}
}

// TestPIDFiles: names and content are pppd's.
func TestPIDFiles(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := w.dial(t, "linkname", "isp")
	w.awaitOnline(t)
	for name, want := range map[string]string{
		"run/ppp0.pid":    fmt.Sprintf("%d\n", p.PID()),
		"run/ppp-isp.pid": fmt.Sprintf("%d\nppp0\n", p.PID()),
	} {
		await(t, fmt.Sprintf("%s holds %q", name, want), func() bool { return w.has(name) && w.read(name) == want })
	}
	p.Stop()
	for _, name := range []string{"run/ppp0.pid", "run/ppp-isp.pid"} {
		if w.has(name) {
			t.Errorf("%s is left", name)
		}
	}
}

// TestOptionsOrder: the last of repeated options counts; the command line comes after all files,
// and call at its position.
func TestOptionsOrder(t *testing.T) {
	const all = "mtu 1401\nmru 1402\nlcp-echo-interval 3\nlcp-echo-failure 4\n"
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"all":          {[]string{"call", "isp", "lcp-echo-failure", "44"}, "mtu 1401, mru 1412, lcp-echo-interval 33, lcp-echo-failure 44"},
		"call is last": {[]string{"lcp-echo-interval", "44", "call", "isp"}, "mtu 1401, mru 1412, lcp-echo-interval 33, lcp-echo-failure 4"},
		"no call":      {[]string{"eth0"}, "mtu 1401, mru 1412, lcp-echo-interval 13, lcp-echo-failure 4"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestbed(t)
			w.write(t, "etc/options", all, 0o644)
			w.write(t, "home/.ppprc", "mru 1412\nlcp-echo-interval 13\n", 0o644)
			w.write(t, "etc/peers/isp", "lcp-echo-interval 33\n"+peerFile, 0o600)
			r := w.run(t, "pppd", append(c.args, "dryrun")...)
			if r.code != 0 {
				t.Fatalf("dryrun: %+v", r)
			}
			for want := range strings.SplitSeq(c.want, ", ") {
				if !dumpHasOption(r.stdout, want) {
					t.Errorf("dryrun does not show %q:\n%s", want, r.stdout)
				}
			}
		})
	}
}

// dumpHasOption reports whether a line of dump's output has an option, whatever its source.
func dumpHasOption(dump, option string) bool {
	for line := range strings.Lines(dump) {
		if fields := strings.Fields(line); len(fields) >= 2 && strings.Join(fields[:2], " ") == option {
			return true
		}
	}
	return false
}

// TestDryRun does not dial, shows no secret, and names the source of each option.
func TestDryRun(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/peers/isp", peerFile, 0o600)
	r := w.run(t, "pppoe-client", "call", "isp", "mtu", "1400", "dryrun")
	if r.code != 0 || r.stderr != "" || strings.Contains(r.stdout, secret) || len(w.status(t)) != 0 {
		t.Errorf("dryrun: %+v", r)
	}
	for _, want := range []string{"/etc/ppp/peers/isp", "command line", "password", "mtu 1400"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("dryrun does not show %q:\n%s", want, r.stdout)
		}
	}
}

// TestDump prints the options, and dials.
func TestDump(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	p := w.dial(t, "dump", "mtu", "1400")
	check(t, p.Await("remote IP address"))
	if !dumpHasOption(p.Log(), "mtu 1400") || strings.Contains(p.Log(), secret) {
		t.Errorf("dump:\n%s", p.Log())
	}
}

// TestDumpOnce: a client that detaches prints the options once, as one that does not.
func TestDumpOnce(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	for _, detach := range []string{"updetach", "nodetach"} {
		p := w.start(t, "pppoe-client", append(append([]string{"eth0"}, account...), "dump", detach)...)
		check(t, p.Await("remote IP address"))
		if n := strings.Count(p.Log(), "options that were read"); n != 1 {
			t.Errorf("%s: dump shows the options %d times:\n%s", detach, n, p.Log())
		}
		w.run(t, "poff", "-a")
	}
}

// TestPonUsage reports what is missing.
func TestPonUsage(t *testing.T) {
	w := newTestbed(t)
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"":     {1, "/etc/ppp/peers/provider"},
		"nope": {1, "/etc/ppp/peers/nope"},
		"-h":   {0, "usage: pon"},
	} {
		r := w.run(t, "pon", strings.Fields(args)...)
		if r.code != want.code || !strings.Contains(r.stdout+r.stderr, want.text) {
			t.Errorf("pon %s: %+v, want %+v", args, r, want)
		}
	}
}

// dialTwo starts two clients on one interface, and returns their status.
func (w *testbed) dialTwo(t *testing.T) (a, b status.Status) {
	t.Helper()
	w.serve(t)
	for _, name := range []string{"a", "b"} {
		w.write(t, "etc/peers/"+name, peerFile+"updetach\npersist\nholdoff 0\n", 0o600)
		if r := w.run(t, "pon", name); r.code != 0 {
			t.Fatalf("pon %s: %+v", name, r)
		}
	}
	return w.statusOf(t, "a"), w.statusOf(t, "b")
}

func (w *testbed) statusOf(t testing.TB, who string) status.Status {
	t.Helper()
	all := w.status(t, who)
	if len(all) != 1 {
		t.Fatalf("%d clients are called %s", len(all), who)
	}
	return all[0]
}

// TestPoff ends the named client, and none if the choice is ambiguous.
func TestPoff(t *testing.T) {
	w := newTestbed(t)
	a, b := w.dialTwo(t)
	if a.Device == b.Device || a.PID == b.PID {
		t.Fatalf("two clients are %+v and %+v", a, b)
	}
	if r := w.run(t, "poff"); r.code != 1 || !strings.Contains(r.stderr, "2 sessions are open") || len(w.status(t)) != 2 {
		t.Errorf("poff with two sessions: %+v", r)
	}
	if r := w.run(t, "poff", "nobody"); r.code != 1 || len(w.status(t)) != 2 {
		t.Errorf("poff nobody: %+v", r)
	}
	if r := w.run(t, "poff", "a"); r.code != 0 {
		t.Errorf("poff a: %+v", r)
	}
	awaitExit(t, a.PID)
	if rest := w.status(t); len(rest) != 1 || rest[0].PID != b.PID || !isOnline(rest[0]) {
		t.Errorf("after poff a there are %+v", rest)
	}
	if r := w.run(t, "poff"); r.code != 0 {
		t.Errorf("poff with one session: %+v", r)
	}
	awaitExit(t, b.PID)
	if r := w.run(t, "poff"); r.code != 1 {
		t.Errorf("poff with no session: %+v", r)
	}
}

func TestPoffAll(t *testing.T) {
	w := newTestbed(t)
	a, b := w.dialTwo(t)
	if r := w.run(t, "poff", "-a"); r.code != 0 {
		t.Errorf("poff -a: %+v", r)
	}
	awaitExit(t, a.PID)
	awaitExit(t, b.PID)
	if links := w.links(t); links["ppp0"] || links["ppp1"] {
		t.Errorf("devices are left: %v", links)
	}
}

// TestPoffRedial terminates the session, which is established again.
func TestPoffRedial(t *testing.T) {
	w := newTestbed(t)
	a, b := w.dialTwo(t)
	if r := w.run(t, "poff", "-r", "a"); r.code != 0 {
		t.Errorf("poff -r: %+v", r)
	}
	await(t, "a is online again", func() bool {
		again := w.statusOf(t, "a")
		return isOnline(again) && again.Dials == a.Dials+1
	})
	if rest := w.statusOf(t, "b"); rest.Dials != b.Dials || !isOnline(rest) {
		t.Errorf("the other client is %+v", rest)
	}
}

// TestPoffDebug turns the packet log on and off, which plog shows.
func TestPoffDebug(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	args := append(append([]string{"eth0"}, account...), "lcp-echo-interval", "1")
	if r := w.run(t, "pppoe-client", args...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	echoes := func() int { return strings.Count(w.run(t, "plog").stdout, "sent [LCP EchoReq") }
	if n := echoes(); n != 0 {
		t.Errorf("%d packets are in the log without debug", n)
	}
	if r := w.run(t, "poff", "-d"); r.code != 0 {
		t.Errorf("poff -d: %+v", r)
	}
	await(t, "packets are logged", func() bool { return echoes() > 0 })
}
