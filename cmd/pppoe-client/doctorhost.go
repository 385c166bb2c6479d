package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/ifname"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/process/capability"
	"upppoe/pppoe/discovery"
	"upppoe/tun"
)

// checkRights checks the capabilities.
func checkRights(_ context.Context, d *diagnosis, _ *pppd.Settings) {
	var missing []string
	for _, c := range []struct {
		name string
		is   capability.Capability
	}{{"CAP_NET_RAW", capability.NetRaw}, {"CAP_NET_ADMIN", capability.NetAdmin}} {
		if !capability.Has(c.is) {
			missing = append(missing, c.name)
		}
	}
	if missing == nil {
		d.add("rights", good, "", "CAP_NET_RAW and CAP_NET_ADMIN are there")
		return
	}
	d.add("rights", fault, "run it as root, or: setcap cap_net_raw,cap_net_admin+ep pppoe-client; in a container: --cap-add NET_RAW --cap-add NET_ADMIN",
		"missing: %s", strings.Join(missing, " and "))
}

// checkTUN checks the device from which TUN devices are made.
func checkTUN(_ context.Context, d *diagnosis, _ *pppd.Settings) {
	switch err := tun.Check(); {
	case err == nil:
		d.add("tun", good, "", "/dev/net/tun can be opened")
	case errors.Is(err, tun.ErrNoDevice):
		d.add("tun", fault, "modprobe tun; in a container: --device /dev/net/tun", "/dev/net/tun does not exist, or the kernel has no TUN devices")
	case errors.Is(err, tun.ErrPermission):
		d.add("tun", fault, "run it as root, or chmod 666 /dev/net/tun; in a container: --device /dev/net/tun", "no permission to open /dev/net/tun")
	default:
		d.add("tun", fault, "", "%v", err)
	}
}

// checkInterface checks the Ethernet interface, and its carrier.
func checkInterface(_ context.Context, d *diagnosis, s *pppd.Settings) {
	is, err := net.InterfaceByName(s.Interface)
	if err != nil {
		d.add("interface", fault, "one of these: "+ifname.Existing(s.Interface), "interface %s does not exist", s.Interface)
		return
	}
	if len(is.HardwareAddr) != 6 {
		d.add("interface", fault, "name the Ethernet interface that leads to the modem", "%s is not Ethernet", s.Interface)
		return
	}
	if obstacle := linkmonitor.Diagnose(s.Interface); obstacle != "" {
		text, mend, _ := strings.Cut(obstacle, ": ")
		d.add("interface", fault, mend, "%s", text)
		return
	}
	d.add("interface", good, "", "%s is up, with carrier%s, address %v", s.Interface, speed(s.Interface), is.HardwareAddr)
}

// speed returns the speed of a link that knows it.
func speed(iface string) string {
	text, err := os.ReadFile(filepath.Join("/sys/class/net", filepath.Base(iface), "speed"))
	if n := strings.TrimSpace(string(text)); err == nil && n != "" && !strings.HasPrefix(n, "-") {
		return " at " + n + " Mbit/s"
	}
	return ""
}

// checkMTU checks whether the interface carries packets of the size that is wanted (RFC 4638 section 4).
func checkMTU(_ context.Context, d *diagnosis, s *pppd.Settings) {
	if d.verdictOf("interface") != good {
		d.add("mtu", skipped, "", "the interface is not usable")
		return
	}
	m := parentMTU{settings: s}
	want, carries := max(s.MTU, s.MRU), m.maxPacket()
	switch {
	case want > carries:
		d.add("mtu", warning, fmt.Sprintf("nothing, if the client may change it: it sets %d while it runs; switches and modem must carry that too", m.need()),
			"packets of %d octets are requested, and the MTU of %s has room for %d", want, s.Interface, carries)
	case want == 0 && carries < discovery.EthernetPayload:
		d.add("mtu", warning, fmt.Sprintf("ip link set %s mtu %d", s.Interface, attachment(s).InterfaceMTU(discovery.EthernetPayload+overhead)),
			"packets have at most %d octets instead of %d", carries, discovery.EthernetPayload)
	default:
		d.add("mtu", good, "", "packets of up to %d octets pass the interface%s", carries, largePackets(carries))
	}
}

// largePackets says how packets of 1500 octets are requested, where the interface carries them.
func largePackets(carries int) string {
	if carries >= 1500 {
		return "; option mtu 1500 requests them (RFC 4638)"
	}
	return ""
}

// checkRunning checks whether another client uses the interface.
func checkRunning(_ context.Context, d *diagnosis, _ *pppd.Settings) {
	found, _ := find(d.Interface)
	for _, c := range found {
		d.add("clients", warning, "pppoe-client stop "+peerName(c.Call, c.Attachment), "a client is %s on %s (process %d): many concentrators allow one session", c.State, c.Attachment, c.PID)
	}
	if found == nil {
		d.add("clients", good, "", "no other pppoe-client uses %s", d.Interface)
	}
}
