package life

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/internal/roottest"
)

// TestExistingTUNDevice: with an existing TUN device, a client that has only CAP_NET_RAW goes
// online, leaves to others what it is not permitted to configure, logs that once, and carries
// packets once it is configured.
func TestExistingTUNDevice(t *testing.T) {
	roottest.Need(t, "setpriv")
	w := newTestbed(t)
	w.serve(t)
	check(t, w.client.Do(func() error {
		made := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: "wan0"}, Mode: netlink.TUNTAP_MODE_TUN, Flags: netlink.TUNTAP_NO_PI, Owner: uint32(os.Getuid())}
		if err := netlink.LinkAdd(made); err != nil {
			return err
		}
		for _, fd := range made.Fds {
			fd.Close()
		}
		return nil
	}))
	args := append([]string{"--inh-caps=-all", "--bounding-set=-all,+net_raw", bin + "/pppoe-client", "eth0"}, account...)
	cmd := exec.Command("setpriv", append(args, "nodetach", "ifname", "wan0", "persist")...)
	cmd.Env = w.environment()
	client := launch(t, w.client, cmd, w.binds()...)
	s := w.awaitOnline(t)
	if is := readCapabilities(t, fmt.Sprintf("/proc/%d/status", client.PID()))["CapEff"]; is != fmt.Sprintf("%016x", 1<<unix.CAP_NET_RAW) {
		t.Errorf("the client has the capabilities %s", is)
	}
	set := func(s status.Status) {
		check(t, w.client.Do(func() error {
			link, err := netlink.LinkByName("wan0")
			if err != nil {
				return err
			}
			before, err := netlink.AddrList(link, netlink.FAMILY_V4)
			if err != nil {
				return err
			}
			for _, a := range before {
				if err := netlink.AddrDel(link, &a); err != nil {
					return err
				}
			}
			addr, _ := netlink.ParseAddr(s.IPv4.Local + "/32")
			addr.Peer, _ = netlink.ParseIPNet(s.IPv4.Remote + "/32")
			if err := netlink.AddrReplace(link, addr); err != nil {
				return err
			}
			return netlink.LinkSetUp(link)
		}))
	}
	set(s)
	_, err := w.client.Ping(ip("192.0.2.1"), 1, timeout)
	check(t, err)
	check(t, unix.Kill(client.PID(), unix.SIGHUP))
	s = w.awaitStatus(t, "the client is online again", func(s status.Status) bool { return isOnline(s) && s.Dials == 2 })
	set(s)
	_, err = w.client.Ping(ip("192.0.2.1"), 2, timeout)
	check(t, err)
	if n := strings.Count(client.Log(), "they are left to the administrator"); n != 1 || strings.Contains(client.Log(), "DHCPv6") {
		t.Errorf("that it lacks the right was said %d times", n)
	}
	client.Stop()
	check(t, w.client.Do(func() error {
		_, err := netlink.LinkByName("wan0")
		return err
	}))
}
