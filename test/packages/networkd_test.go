package packages

import (
	"fmt"
	"strings"
)

// wantNetworkd lets systemd-networkd manage the interfaces by the package's examples: eth0 is up without addresses,
// nothing waits for more, and the session keeps what it has.
func wantNetworkd(near, far *machine) {
	near.t.Helper()
	_, err := near.net.Run("ip", "link", "set", "eth0", "down")
	check(near.t, err)
	// Without udev, networkd only manages interfaces where /sys is read-only, as in containers.
	near.shell(`mount -o remount,bind,ro /sys
		cp /usr/share/doc/upppoe-client/examples/systemd-networkd/*.network /etc/systemd/network/
		systemctl start systemd-networkd`)
	awaitManaged(near, "eth0", "configured")
	near.run("systemctl", "start", "pppoe-client@isp")
	awaitManaged(near, "ppp0", "unmanaged")
	near.run("/lib/systemd/systemd-networkd-wait-online", "--timeout=20")
	near.run("systemctl", "restart", "systemd-networkd")
	awaitManaged(near, "eth0", "configured")
	wantOnline(near, far)
	if out, err := near.net.Run("ip", "address", "show", "dev", "eth0"); err != nil || strings.Contains(out, "inet") {
		near.t.Errorf("eth0 has an address: %v\n%s", err, out)
	}
	near.shell(`systemctl stop pppoe-client@isp systemd-networkd.socket systemd-networkd
		rm /etc/systemd/network/*
		mount -o remount,bind,rw /sys`)
}

// awaitManaged waits until systemd-networkd has an interface in a state.
func awaitManaged(m *machine, name, state string) {
	m.t.Helper()
	file := fmt.Sprintf("/run/systemd/netif/links/$(cat /sys/class/net/%s/ifindex)", name)
	m.await("ADMIN_STATE="+state+"\n", "sh", "-c", "cat "+file)
}
