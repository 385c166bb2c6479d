package life

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/test/lab"
)

// TestCallTwice: a peer file in use cannot be called again, unless that is forced, and is free as
// soon as the first client has ended, however it ended.
func TestCallTwice(t *testing.T) {
	w := newTestbed(t)
	w.serve(t)
	w.write(t, "etc/peers/isp", peerFile, 0o600)
	w.write(t, "etc/peers/other", peerFile, 0o600)
	first := w.start(t, "pppoe-client", "call", "isp", "nodetach")
	w.awaitOnline(t)
	for _, way := range []string{"", "nodetach", "updetach", "persist"} {
		r := w.run(t, "pppoe-client", append([]string{"call", "isp"}, strings.Fields(way)...)...)
		if r.code != 1 || !strings.Contains(r.stderr, fmt.Sprintf("peer isp is already called by process %d:", first.PID())) || len(w.status(t)) != 1 {
			t.Errorf("%q: %+v", way, r)
		}
	}
	for _, args := range []string{"call isp --force", "call other"} {
		if r := w.run(t, "pppoe-client", strings.Fields(args)...); r.code != 0 {
			t.Errorf("%s: %+v", args, r)
		}
	}
	if all := w.status(t); len(all) != 3 {
		t.Errorf("%d clients run, want 3", len(all))
	}
	w.run(t, "pppoe-client", "stop", "--all")
	for range 3 {
		if r := w.run(t, "pon", "isp", "updetach"); r.code != 0 {
			t.Errorf("after the end: %+v", r)
		}
		if r := w.run(t, "poff", "isp"); r.code != 0 {
			t.Errorf("poff: %+v", r)
		}
	}
	w.leftNothing(t)
	killed := w.start(t, "pppoe-client", "call", "isp", "nodetach")
	w.awaitOnline(t)
	kill(t, killed)
	if r := w.run(t, "pppoe-client", "call", "isp"); r.code != 0 {
		t.Errorf("after kill -9: %+v", r)
	}
}

// TestMissingInterface: a nonexistent interface is exit code 7, however it is named.
func TestMissingInterface(t *testing.T) {
	w := newTestbed(t)
	for _, args := range []string{"gone0", "nic-gone0", "gone", "plugin rp-pppoe.so gone", "plugin pppoe.so nic-gone", "user a gone0"} {
		r := w.run(t, "pppoe-client", append(strings.Fields(args), "nodetach", "noauth", "user", "a", "password", "b")...)
		if r.code != 7 || !strings.Contains(r.stderr, "gone") {
			t.Errorf("%s: %+v, want code 7", args, r)
		}
	}
	if r := w.run(t, "pppoe-client", "pty", "pppoe -I gone", "nodetach", "noauth", "user", "a", "password", "b"); r.code != 7 {
		t.Errorf("pty: %+v, want code 7", r)
	}
}

// TestAlternativeName: an interface is found by each of its names, and served once.
func TestAlternativeName(t *testing.T) {
	w := newTestbed(t)
	check(t, w.client.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkAddAltName(link, "a-long-name-of-the-interface")
	}))
	check(t, w.server.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkAddAltName(link, "uplink")
	}))
	serve := func(interfaces ...string) *lab.Program {
		args := append([]string{"-L", "192.0.2.1", "-R", "192.0.2.10", "-C", "life-ac", "-F", "-d", "--etc", w.serverEtc}, interfaces...)
		return launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), args...))
	}
	both := serve("-I", "eth0", "-I", "uplink")
	wantExit(t, both, 1)
	if !strings.Contains(both.Log(), "eth0 and uplink are one network interface: ") {
		t.Errorf("with two names of one interface the server says\n%s", both.Log())
	}
	check(t, serve("-I", "uplink").Await("Serving on eth0 "))
	for _, name := range []string{"a-long-name-of-the-interface", "nic-a-long-name-of-the-interface"} {
		p := w.start(t, "pppoe-client", append([]string{name, "nodetach"}, account...)...)
		if s := w.awaitOnline(t); s.Attachment != "eth0" {
			t.Errorf("%s: the line is %s", name, s.Attachment)
		}
		p.Stop()
	}
}
