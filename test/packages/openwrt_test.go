package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// write writes a file in the system.
func (m *machine) write(name, text string) {
	m.t.Helper()
	path := fmt.Sprintf("/proc/%d/root%s", m.init, name)
	check(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(m.t, os.WriteFile(path, []byte(text), 0o644))
}

// netifd plays netifd: it calls the protocol handler, in busybox's shell, which OpenWrt has.
func netifd(m *machine, command string) {
	m.t.Helper()
	m.shell("cd /lib/netifd/proto && busybox sh ./upppoe.sh upppoe " + command + " wan eth0")
}

// unpackHandler puts the files of OpenWrt's package into the system, but the program, which is there.
func (m *machine) unpackHandler() {
	m.t.Helper()
	script := `tar -xzf "$0"/upppoe-client_*_x86_64.ipk -O ./data.tar.gz | tar -xz -C "$1" ./lib/netifd`
	// In Debian, /lib is a link to usr/lib, which must stay.
	out, err := exec.Command("sh", "-ec", script, filepath.Join(packages, newer), fmt.Sprintf("/proc/%d/root/usr", m.init)).CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
}

// wantOpenWrt dials by OpenWrt's protocol handler, and hangs up.
func wantOpenWrt(near, far *machine) {
	near.t.Helper()
	near.unpackHandler()
	fake, err := os.ReadFile("testdata/netifd-proto.sh")
	check(near.t, err)
	near.write("/lib/netifd/netifd-proto.sh", string(fake))
	near.write("/lib/functions.sh", "")
	near.write("/tmp/netifd.conf", "username=alice password='her password' mtu=1400 keepalive='3 7'\n")
	netifd(near, "dump")
	netifd(near, "setup")
	near.await("wan: device pppoe-wan up 1 address "+clientAddress+"/32 peer "+serverAddress+" route 0.0.0.0/0 via "+serverAddress, "cat", "/tmp/netifd.log")
	near.await("wan: device pppoe-wan up 1 address fe80:", "cat", "/tmp/netifd.log")
	wantOnline(near, far)
	wantMTU(near)
	netifd(near, "teardown")
	near.await("wan: device pppoe-wan up 0\n", "cat", "/tmp/netifd.log")
	near.await("Exit.", "cat", "/tmp/client.log")
	told := near.run("cat", "/tmp/netifd.log")
	for _, want := range []string{"option username\n", "option keepalive\n", "protocol upppoe\n", "lcp-echo-failure 3 lcp-echo-interval 7"} {
		if !strings.Contains(told, want) {
			near.t.Errorf("netifd was not told %q:\n%s", want, told)
		}
	}
	if strings.Contains(told, "her password") {
		near.t.Errorf("the command line has the password:\n%s", told)
	}
	near.write("/tmp/netifd.conf", "username=alice password=wrong\n")
	netifd(near, "setup")
	near.await("2\n", "grep", "-c", "^Exit", "/tmp/client.log")
	near.shell(`cd /lib/netifd/proto; ERROR=19 busybox sh ./upppoe.sh upppoe teardown wan eth0 2>/dev/null || true; grep -q 'error AUTH_FAILED' /tmp/netifd.log
		rm -r /lib/netifd /lib/functions.sh`)
}

// wantMTU checks that the session has the MTU of the options.
func wantMTU(m *machine) {
	m.t.Helper()
	if mtu, err := m.net.MTU("pppoe-wan"); err != nil || mtu != 1400 {
		m.t.Errorf("pppoe-wan has the MTU %d, want 1400: %v", mtu, err)
	}
}
