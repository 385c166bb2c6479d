package life

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// upgradable is a server that can be upgraded, with a control socket and a store of its own.
type upgradable struct {
	*testbed
	*lab.Program
	socket string
	flags  []string
}

func (w *testbed) serveUpgradable(t *testing.T, flags ...string) *upgradable {
	t.Helper()
	dir := t.TempDir()
	u := &upgradable{testbed: w, socket: filepath.Join(dir, "server.sock")}
	u.flags = append([]string{"--control-socket", u.socket, "--state", filepath.Join(dir, "sessions.log"), "-X", filepath.Join(dir, "server.pid")}, flags...)
	u.Program = w.serve(t, u.flags...)
	return u
}

// upgrade replaces the server, which has a number of sessions.
func (u *upgradable) upgrade(t *testing.T, sessions int) {
	t.Helper()
	before := u.pid(t)
	text, code := u.command(t, "upgrade")
	if code != 0 || !strings.Contains(text, fmt.Sprintf("has taken over %d session", sessions)) {
		t.Fatalf("upgrade: %d, %s", code, text)
	}
	t.Log(strings.TrimSpace(text))
	if after := u.pid(t); after == before {
		t.Errorf("process %d still serves", after)
	}
}

// killAndServe kills the server, which has a number of sessions, and starts it again.
func (u *upgradable) killAndServe(t *testing.T, sessions int) {
	t.Helper()
	check(t, unix.Kill(u.pid(t), unix.SIGKILL))
	u.Wait() // with those that it has replaced
	u.Program = u.serve(t, u.flags...)
	check(t, u.Await(fmt.Sprintf("Adopted %d sessions", sessions)))
}

// command runs a command to the server.
func (u *upgradable) command(t *testing.T, args ...string) (text string, code int) {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "pppoe-server"), append(args, "--socket", u.socket)...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return string(out), exit.ExitCode()
	}
	check(t, err)
	return string(out), 0
}

// pid returns the process that serves.
func (u *upgradable) pid(t *testing.T) int {
	t.Helper()
	text, code := u.command(t, "status", "--json")
	m := regexp.MustCompile(`"pid":\s*(\d+)`).FindStringSubmatch(text)
	if code != 0 || m == nil {
		t.Fatalf("status: %d, %s", code, text)
	}
	pid, err := strconv.Atoi(m[1])
	check(t, err)
	return pid
}

// modes are the devices and data paths of a server.
var modes = map[string]struct {
	options string
	flags   []string
	scripts []string // that run for each session
}{
	"shared, auto":  {"datapath auto\n", []string{"--device", "shared", "-N", "32"}, sharedScripts},
	"shared, plain": {"datapath plain\n", []string{"--device", "shared", "-N", "32"}, sharedScripts},

	"per session, auto":    {"datapath auto\n", []string{"-N", "32"}, serverScriptNames},
	"per session, offload": {"datapath offload\n", []string{"-N", "32"}, serverScriptNames},
	"per session, plain":   {"datapath plain\n", []string{"-N", "32"}, serverScriptNames},
}

// TestUpgrade: streams in both directions pass while the server is replaced twice by the same program, and
// its clients notice nothing. Neither do they when it is killed and started again. The server's network is the
// same all the time, and each script runs once.
func TestUpgrade(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			w := newSharedTestbed(t)
			w.serverOptions(t, "require-chap\nlcp-echo-interval 1\nlcp-echo-failure 5\n"+mode.options)
			scripts := w.recordServerScripts(t)
			server := w.serveUpgradable(t, mode.flags...)
			alice, bob := w.twoCustomers(t)
			scripts.await(t, "alice ip-up", "alice ipv6-up", "bob ip-up", "bob ipv6-up")
			network := w.serverNetwork(t)
			a, s := ip(alice.IPv4.Local), ip("192.0.2.1")
			up, down := startStream(t, everyMillisecond, w.client, a, w.server, s), startStream(t, everyMillisecond, w.server, s, w.client, a)
			for range 2 {
				server.upgrade(t, 2)
			}
			for which, one := range map[string]*datagramStream{"up": up, "down": down} {
				sent, lost, gap := one.end()
				t.Logf("%s: %d sent, %d lost, longest gap %v", which, sent, lost, gap)
				if lost > 0 {
					t.Errorf("%s: %d of %d datagrams were lost", which, lost, sent)
				}
			}
			bob.wantPing(t, "after the upgrade", s)
			w.checkServerNetwork(t, "after the upgrade", network)
			server.killAndServe(t, 2)
			alice.wantPing(t, "after the kill", s)
			bob.wantPing(t, "after the kill", s)
			w.checkServerNetwork(t, "after the kill", network)
			for _, c := range []*customer{alice, bob} {
				if now := c.awaitStatus(t, "is online", isOnline); now.IPv4.Local != c.IPv4.Local || now.Since != c.Since {
					t.Errorf("the session is another one: %+v, was %+v", now, c.Status)
				}
			}
			check(t, unix.Kill(server.PID(), unix.SIGTERM))
			wantExit(t, server.Program, 0)
			if links := w.inServer(t, "-brief", "link"); strings.Contains(links, "ppp") {
				t.Errorf("the server has left %s", links)
			}
			scripts.check(t, mode.scripts, "alice", "bob")
		})
	}
}

// TestUpgradeWhileDialling: the new program accepts a PADR that answers the old one's PADO.
func TestUpgradeWhileDialling(t *testing.T) {
	w := newTestbed(t)
	server := w.serveUpgradable(t, "--device", "shared")
	host := newFakeAC(t, w.client, "host", fault{}) // it only sends what the test says
	answer := func(code wire.Code) (answer wire.DiscoveryFrame) {
		await(t, fmt.Sprintf("the server has sent a %v", code), func() bool {
			all := host.discoveryPackets(code)
			if len(all) > 0 {
				answer = all[0]
			}
			return len(all) > 0
		})
		return answer
	}
	host.sendDiscovery(wire.Broadcast, wire.PADI, 0, wire.Tags(nil).Append(wire.TagServiceName, nil))
	pado := answer(wire.PADO)
	server.upgrade(t, 0)
	host.sendDiscovery(pado.Src, wire.PADR, 0, wire.Tags(nil).Append(wire.TagServiceName, nil).Echo(pado.Tags, wire.TagACCookie))
	if pads := answer(wire.PADS); pads.SessionID == 0 {
		t.Errorf("the server has answered %v", pads)
	}
}

// TestUpgradeRefused: a server without a store says that it cannot be upgraded, and goes on.
func TestUpgradeRefused(t *testing.T) {
	w := newTestbed(t)
	server := w.serveUpgradable(t, "--device", "shared", "--state", "none")
	if text, code := server.command(t, "upgrade"); code != 1 || !strings.Contains(text, "give the server one") {
		t.Errorf("no store: %d, %s", code, text)
	}
	if server.pid(t) != server.PID() {
		t.Error("another process serves")
	}
}

// TestUpgradeFails: after a successor that does not take over, for any reason, the server goes on, and says
// why.
func TestUpgradeFails(t *testing.T) {
	w := newSharedTestbed(t)
	w.serverOptions(t, "require-chap\nlcp-echo-interval 1\nlcp-echo-failure 5\n")
	server := w.serveUpgradable(t, "--device", "shared", "-N", "32")
	alice := w.dialAs(t, w.client, "alice", "is online", isOnline)
	a, s := ip(alice.IPv4.Local), ip("192.0.2.1")
	up, down := startStream(t, everyMillisecond, w.client, a, w.server, s), startStream(t, everyMillisecond, w.server, s, w.client, a)
	dir := t.TempDir()
	script := func(name, text string) string {
		path := filepath.Join(dir, name)
		check(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755))
		return path
	}
	for _, c := range []struct{ path, why string }{
		{script("exits", "echo no such thing >&2; exit 3\n"), "exit status 3): no such thing"},
		{filepath.Join(dir, "none"), "no such file"},
		{script("older", "exec "+filepath.Join(bin, "pppoe-client")+" \"$@\"\n"), "it has ended"},
	} {
		text, code := server.command(t, "upgrade", "--exec", c.path)
		if code != 1 || !strings.Contains(text, c.why) {
			t.Errorf("%s: %d, %s; want %q", c.path, code, text, c.why)
		}
	}
	w.serverFile(t, "pppoe-server-options", "no-such-option\n", 0o600)
	text, code := server.command(t, "upgrade")
	if code != 1 || !strings.Contains(text, "no-such-option") {
		t.Errorf("invalid options: %d, %s", code, text)
	}
	for which, one := range map[string]*datagramStream{"up": up, "down": down} {
		if sent, lost, _ := one.end(); lost > 0 {
			t.Errorf("%s: %d of %d datagrams were lost", which, lost, sent)
		}
	}
	alice.wantPing(t, "after failed upgrades", s)
}
