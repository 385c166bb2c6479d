package life

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// upgradeConfig is a configuration file, with its interfaces.
const upgradeConfig = `
[server]
ac-name = "life-ac"
foreground = true
%s
[device]
%s
[ipv4]
local-address = "192.0.2.1"
first-address = "192.0.2.10"
[authentication]
methods = ["chap"]
chap-secrets = %q
[state]
file = %q
[control]
socket = %q
`

// serveByFile starts a server that can be upgraded with another configuration, which configure writes.
func (w *testbed) serveByFile(t *testing.T, interfaces, device string) (server *upgradable, configure func(interfaces, device string)) {
	t.Helper()
	server = &upgradable{testbed: w, socket: filepath.Join(w.serverEtc, "server.sock")}
	configure = func(interfaces, device string) {
		w.serverFile(t, "server.toml", fmt.Sprintf(upgradeConfig, interfaces, device, filepath.Join(w.serverEtc, "chap-secrets"), filepath.Join(w.serverEtc, "sessions.log"), server.socket), 0o600)
	}
	configure(interfaces, device)
	server.Program = launch(t, w.server, exec.Command(filepath.Join(bin, "pppoe-server"), "--config", filepath.Join(w.serverEtc, "server.toml")))
	check(t, server.Await("Serving on eth0"))
	return server, configure
}

// wantSame checks that the session of a customer has gone on, and that no more datagrams of a stream were lost.
func (c *customer) wantSame(t *testing.T, stream *datagramStream, mayLose uint64) {
	t.Helper()
	if mayLose == 0 {
		c.wantPing(t, "after the upgrade", ip("192.0.2.1"))
	} else {
		await(t, "the server answers a ping", func() bool {
			_, err := c.client.Ping(ip("192.0.2.1"), 1, time.Second)
			return err == nil
		})
	}
	if sent, lost, _ := stream.end(); lost > mayLose {
		t.Errorf("%d of %d datagrams were lost", lost, sent)
	}
	if now := c.awaitStatus(t, "is online", isOnline); now.Since != c.Since {
		t.Errorf("the session is another one: %+v, was %+v", now, c.Status)
	}
}

func always(status.Status) bool { return true }

// Parts of configurations.
const (
	onEth0         = "[[interface]]\nname = \"eth0\"\n"
	onEth1         = "[[interface]]\nname = \"eth1\"\n"
	sharedDevice   = "mode = \"shared\"\n"
	deviceEach     = "mode = \"per-session\"\n"
	plainDataPath  = "data-path = \"plain\"\n"
	sharedAndPlain = sharedDevice + plainDataPath
)

// TestUpgradeChangesInterfaces: an upgrade serves the interfaces and VLANs of the configuration as it is then.
// Sessions of those that stay go on, with ports of one VLAN and of many. Clients on those that went are sent a
// PADT.
func TestUpgradeChangesInterfaces(t *testing.T) {
	w := newSharedTestbed(t)
	far := labtest.Namespace(t)
	check(t, lab.Veth(lab.End{In: far, Name: "eth0"}, lab.End{In: w.server, Name: "eth1"}))
	server, configure := w.serveByFile(t, onEth0+"vlans = \"40\"\n", sharedDevice)
	upgrade := func(ended string) {
		t.Helper()
		if text, code := server.command(t, "upgrade"); code != 0 || !strings.Contains(text, "has taken over 1 sessions") || !strings.Contains(text, ended) {
			t.Fatalf("upgrade: %d, %s", code, text)
		}
	}
	alice := w.dialAs(t, w.client, "alice", "is online", always, "vlan", "40")
	up := startStream(t, everyMillisecond, w.client, ip(alice.IPv4.Local), w.server, ip("192.0.2.1"))

	configure(onEth0+"vlans = \"40-50\"\n"+onEth1, sharedDevice)
	if text, code := server.command(t, "reload"); code != 0 || !strings.Contains(text, "takes effect at an upgrade") {
		t.Errorf("reload: %d, %s", code, text)
	}
	upgrade("")
	bob := w.dialAs(t, w.other, "bob", "is online in a VLAN", always, "vlan", "50")
	carol := w.dialAs(t, far, "carol", "is online at the second interface", always)

	configure(onEth0+"vlans = \"40\"\n", sharedDevice)
	upgrade("2 were ended")
	for _, c := range []*customer{bob, carol} {
		check(t, c.program.Await("Recv PPPOE Discovery V1T1 PADT"))
	}
	alice.wantSame(t, up, 0)
}

// TestUpgradeChangesDevice: an upgrade may change the kind of devices, and the data path of sessions with devices
// of their own. Where it may not, the server goes on, and says why.
func TestUpgradeChangesDevice(t *testing.T) {
	const some = 1 << 20
	for name, c := range map[string]struct {
		from, to, refused, gone string
		mayLose                 uint64
	}{
		"to a shared device":          {from: deviceEach, to: sharedDevice, gone: "ppp0", mayLose: some},
		"to a device for each":        {from: sharedDevice, to: deviceEach},                              // a session keeps its device
		"to another data path":        {from: deviceEach, to: deviceEach + plainDataPath, mayLose: some}, // the kernel detaches its program late
		"shared, to a faster path":    {from: sharedAndPlain, to: sharedDevice},
		"shared, to one without GSO":  {from: sharedDevice, to: sharedAndPlain, refused: "needs a restart"},
		"to another name of a device": {from: sharedDevice, to: sharedDevice + "name = \"bng0\"\n", refused: "already routed to pppoe0", gone: "bng0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newSharedTestbed(t)
			server, configure := w.serveByFile(t, onEth0, c.from)
			alice := w.dialAs(t, w.client, "alice", "is online", always)
			up := startStream(t, everyMillisecond, w.client, ip(alice.IPv4.Local), w.server, ip("192.0.2.1"))
			configure(onEth0, c.to)
			text, code := server.command(t, "upgrade")
			if refused := code != 0; refused != (c.refused != "") || !strings.Contains(text, c.refused) {
				t.Errorf("upgrade: %d, %s", code, text)
			}
			alice.wantSame(t, up, c.mayLose)
			if c.gone != "" {
				await(t, c.gone+" is not there", func() bool { return !strings.Contains(w.inServer(t, "-brief", "link"), c.gone) })
			}
			_, err := w.server.Ping(ip(alice.IPv4.Local), 1, timeout)
			check(t, err)
		})
	}
}
