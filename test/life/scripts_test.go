package life

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// recordScript is a script that records its call: arguments, environment, standard descriptors,
// directory. The record is written atomically.
const recordScript = `#!/bin/sh
exec 3>/run/$$.part
for a in "$@"; do printf 'arg %%s\n' "$a" >&3; done
tr '\0' '\n' </proc/$$/environ | sed 's/^/env /' >&3
for d in 0 1 2; do printf 'fd %%s\n' "$(readlink /proc/$$/fd/$d)" >&3; done
printf 'dir %%s\n' "$(pwd)" >&3
%s
exec 3>&-
n=$(ls /run | grep -c '^script\.')
mv /run/$$.part /run/script.$n.%s
`

// scriptNames are all scripts that a client runs.
var scriptNames = []string{"net-init", "net-pre-up", "ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down", "auth-up", "auth-down", "net-down"}

// recordCalls installs scripts that record their calls and then do more.
func (w *testbed) recordCalls(t testing.TB, does string, names ...string) {
	t.Helper()
	for _, name := range names {
		w.write(t, "etc/"+name, fmt.Sprintf(recordScript, does, name), 0o755)
	}
}

// call is one call of a script.
type call struct {
	name     string
	args     []string
	env      map[string]string
	standard []string // targets of descriptors 0 to 2
	dir      string
}

// calls returns the calls so far, by name: in these tests each script is called at most once.
func (w *testbed) calls(t testing.TB) map[string]call {
	t.Helper()
	all := map[string]call{}
	files, err := os.ReadDir(w.dir + "/run")
	check(t, err)
	for _, f := range files {
		_, rest, ok := strings.Cut(f.Name(), "script.")
		if !ok {
			continue
		}
		_, name, _ := strings.Cut(rest, ".")
		c := call{name: name, env: map[string]string{}}
		for line := range strings.Lines(w.read("run/" + f.Name())) {
			kind, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			switch kind {
			case "arg":
				c.args = append(c.args, value)
			case "env":
				name, value, _ := strings.Cut(value, "=")
				c.env[name] = value
			case "fd":
				c.standard = append(c.standard, value)
			case "dir":
				c.dir = value
			}
		}
		all[name] = c
	}
	return all
}

func (w *testbed) awaitCalls(t testing.TB, names ...string) map[string]call {
	t.Helper()
	await(t, "scripts were called: "+strings.Join(names, " "), func() bool {
		got := w.calls(t)
		for _, n := range names {
			if _, ok := got[n]; !ok {
				return false
			}
		}
		return true
	})
	return w.calls(t)
}

// TestScripts: arguments and environment of each script.
func TestScripts(t *testing.T) {
	w := newTestbed(t)
	w.serverOptions(t, "require-chap\nms-dns 192.0.2.53\nms-dns 192.0.2.54\nms-wins 192.0.2.60\nipv6 ::1,::2\n")
	w.serve(t)
	w.recordCalls(t, "", scriptNames...)
	w.write(t, "etc/peers/isp", peerFile+"nodetach\nusepeerdns\nusepeerwins\nipparam 'a b'\nlinkname line\nset COLOUR=blue\nunset SPEED\nipv6 ::2,::1\n", 0o600)
	p := w.start(t, "pppd", "call", "isp")
	w.awaitCalls(t, "net-init", "net-pre-up", "ip-pre-up", "ip-up", "ipv6-up")
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	online := w.awaitOnline(t)
	await(t, "a second has passed online", func() bool { return time.Since(*online.OnlineAt) > 1100*time.Millisecond })
	check(t, unix.Kill(p.PID(), unix.SIGTERM))
	wantExit(t, p, 5)
	got := w.calls(t)

	net := "ppp0 eth0 0 a b"
	ipv4 := "ppp0 eth0 0 192.0.2.10 192.0.2.1 a b"
	ipv6 := "ppp0 eth0 0 fe80::2 fe80::1 a b"
	ac := strings.ToUpper(mac(t, w.server, "eth0"))
	all := map[string]string{
		"DEVICE": "eth0", "IFNAME": "ppp0", "PPPD_PID": strconv.Itoa(p.PID()), "ORIG_UID": "0", "COLOUR": "blue",
		"UNIT": "0", "MACREMOTE": ac, "REMOTENUMBER": ac, "ACNAME": "life-ac", "LINKNAME": "line", "CALL_FILE": "isp", "PPPLOGNAME": "tester",
	}
	ipv4Has := []string{"IPLOCAL", "192.0.2.10", "IPREMOTE", "192.0.2.1", "USEPEERDNS", "1",
		"DNS1", "192.0.2.53", "DNS2", "192.0.2.54", "WINS1", "192.0.2.60", "WINS2", "192.0.2.60", "USEPEERWINS", "1"}
	ipv6Has := []string{"LLLOCAL", "fe80::2", "LLREMOTE", "fe80::1"}
	both := withEnv(withEnv(all, ipv4Has...), ipv6Has...)
	carried := []string{"CONNECT_TIME", `[1-9]\d*`, "BYTES_SENT", `[1-9]\d*`, "BYTES_RCVD", `[1-9]\d*`}
	for name, want := range map[string]struct {
		args string
		env  map[string]string
	}{
		"net-init": {net, all}, "net-pre-up": {net, all}, "net-down": {net, both},
		"ip-pre-up": {ipv4, withEnv(all, ipv4Has...)}, "ip-up": {ipv4, withEnv(all, ipv4Has...)}, "ip-down": {ipv4, withEnv(both, carried...)},
		"ipv6-up": {ipv6, withEnv(all, ipv6Has...)}, "ipv6-down": {ipv6, withEnv(both, carried...)},
	} {
		c, ok := got[name]
		if !ok {
			t.Errorf("%s was not called", name)
			continue
		}
		if args := strings.Join(c.args, " "); args != want.args {
			t.Errorf("%s has arguments %q, want %q", name, args, want.args)
		}
		if len(c.args) == 0 || c.args[len(c.args)-1] != "a b" {
			t.Errorf("%s: ipparam is %q", name, c.args)
		}
		// The peer decides which protocol opens first; the environment has what is known by then.
		if name == "ip-pre-up" || name == "ip-up" || name == "ipv6-up" {
			for variable := range both {
				if _, known := c.env[variable]; known {
					want.env[variable] = both[variable]
				}
			}
		}
		c.checkEnvironment(t, want.env)
		if !slices.Equal(c.standard, []string{"/dev/null", "/dev/null", "/dev/null"}) || c.dir != "/" {
			t.Errorf("%s has descriptors %q, in %s", name, c.standard, c.dir)
		}
	}
	for _, name := range []string{"auth-up", "auth-down"} {
		if _, ok := got[name]; ok {
			t.Errorf("%s was called, though the peer is not authenticated", name)
		}
	}
}

// withEnv extends an environment, by name and pattern.
func withEnv(env map[string]string, more ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// shellVariables are set by shells.
var shellVariables = []string{"PWD", "OLDPWD", "SHLVL", "_"}

// checkEnvironment checks that the variables are exactly these, by patterns.
func (c call) checkEnvironment(t testing.TB, want map[string]string) {
	t.Helper()
	for name, pattern := range want {
		if value, ok := c.env[name]; !ok || !regexp.MustCompile("^(?:"+pattern+")$").MatchString(value) {
			t.Errorf("%s has %s=%q (%v), want %q", c.name, name, value, ok, pattern)
		}
	}
	for name, value := range c.env {
		if _, ok := want[name]; !ok && !slices.Contains(shellVariables, name) {
			t.Errorf("%s has %s=%q too", c.name, name, value)
		}
	}
}

// TestPreUpBlocks: while ip-pre-up runs, the device has its addresses, is down (pppd(8)) and has no
// route; ip-up comes later.
func TestPreUpBlocks(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	const look = "echo \"env SEEN=$(ip -o address show dev ppp0) $(ip -o link show dev ppp0) $(ip route show default)\" | tr '\\n' ' ' >&3; "
	w.recordCalls(t, look+"mkfifo /run/gate; cat /run/gate >/dev/null", "ip-pre-up")
	w.recordCalls(t, look, "ip-up")
	w.dial(t, "noipv6", "defaultroute")
	await(t, "ip-pre-up runs", func() bool { return w.has("run/gate") })
	if all := w.status(t); len(all) != 1 || all[0].IPv4 != nil {
		t.Errorf("while ip-pre-up runs, the client is %+v", all)
	}
	if calls := w.calls(t); len(calls) != 0 {
		t.Errorf("while ip-pre-up runs, others were called: %v", calls)
	}
	check(t, os.WriteFile(w.dir+"/run/gate", nil, 0))
	calls := w.awaitCalls(t, "ip-pre-up", "ip-up")
	for name, up := range map[string]bool{"ip-pre-up": false, "ip-up": true} {
		seen := calls[name].env["SEEN"]
		if !strings.Contains(seen, "inet 192.0.2.10 peer 192.0.2.1/32") || strings.Contains(seen, ",UP") != up || strings.Contains(seen, "default dev ppp0") != up {
			t.Errorf("%s saw: %s", name, seen)
		}
	}
	w.awaitOnline(t)
}

// TestScriptOrder: ip-down runs after ip-up has ended, and once.
func TestScriptOrder(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	const say = "#!/bin/sh\necho \"$(basename $0) begins\" >>/run/order\n%secho \"$(basename $0) ends\" >>/run/order\n"
	w.write(t, "etc/ip-up", fmt.Sprintf(say, "mkfifo /run/gate\ncat /run/gate >/dev/null\n"), 0o755)
	w.write(t, "etc/ip-down", fmt.Sprintf(say, ""), 0o755)
	p := w.dial(t, "child-timeout", "60")
	await(t, "ip-up runs", func() bool { return w.has("run/gate") })
	check(t, unix.Kill(p.PID(), unix.SIGTERM))
	check(t, p.Await("Connection terminated"))
	if got := w.read("run/order"); got != "ip-up begins\n" {
		t.Errorf("while ip-up hangs:\n%s", got)
	}
	check(t, os.WriteFile(w.dir+"/run/gate", nil, 0))
	wantExit(t, p, 5)
	if got := w.read("run/order"); got != "ip-up begins\nip-up ends\nip-down begins\nip-down ends\n" {
		t.Errorf("in the end:\n%s", got)
	}
}

// TestChildTimeout: a script that hangs delays the end no longer than the timeout, also one that is
// waited for during configuration.
func TestChildTimeout(t *testing.T) {
	for _, name := range []string{"ip-up", "ip-pre-up"} {
		t.Run(name, func(t *testing.T) {
			w := newTestbed(t)
			w.serve(t)
			w.write(t, "etc/"+name, "#!/bin/sh\necho $$ >/run/hangs\nexec sleep 3600\n", 0o755)
			p := w.dial(t, "child-timeout", "1")
			await(t, name+" runs", func() bool { return strings.HasSuffix(w.read("run/hangs"), "\n") })
			pid, err := strconv.Atoi(strings.TrimSpace(w.read("run/hangs")))
			check(t, err)
			began := time.Now()
			check(t, unix.Kill(p.PID(), unix.SIGTERM))
			wantExit(t, p, 5)
			if took := time.Since(began); took < time.Second {
				t.Errorf("it ended after %v, want it to wait a second for the script", took)
			}
			awaitExit(t, pid)
		})
	}
}

// TestScriptFails: a script that cannot be run is logged, and does no harm.
func TestScriptFails(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/ip-up", "#!/bin/sh\n", 0o644)
	w.write(t, "etc/ip-pre-up", "#!/no/such/shell\n", 0o755)
	w.write(t, "etc/ipv6-up", "#!/bin/sh\nexit 3\n", 0o755)
	p := w.dial(t)
	for _, want := range []string{
		"Can't execute /etc/ppp/ip-up: .*chmod",
		"Can't execute /etc/ppp/ip-pre-up",
		`Script /etc/ppp/ipv6-up finished \(pid \d+\), status = 0x3`,
	} {
		check(t, p.Await(want))
	}
	w.awaitOnline(t)
}

// TestScriptPaths: each path can be changed.
func TestScriptPaths(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	var options []string
	for _, name := range []string{"ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down"} {
		w.write(t, "lib/own/"+name, fmt.Sprintf(recordScript, "", name), 0o755)
		options = append(options, name+"-script", "/var/lib/own/"+name)
	}
	p := w.dial(t, options...)
	w.awaitCalls(t, "ip-pre-up", "ip-up", "ipv6-up")
	p.Stop()
	w.awaitCalls(t, "ip-down", "ipv6-down")
}
