package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"upppoe/internal/config/pppd"
	"upppoe/internal/ebpf"
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
		"%s is missing", strings.Join(missing, " and "))
}

// checkTUN checks the device from which TUN devices are made.
func checkTUN(_ context.Context, d *diagnosis, _ *pppd.Settings) {
	if err := tun.Check(); err != nil {
		d.add("tun", fault, "modprobe tun; in a container: --device /dev/net/tun", "%v", err)
		return
	}
	d.add("tun", good, "", "/dev/net/tun can be opened")
}

// checkInterface checks the Ethernet interface, and its carrier.
func checkInterface(_ context.Context, d *diagnosis, s *pppd.Settings) {
	is, err := net.InterfaceByName(s.Interface)
	if err != nil {
		d.add("interface", fault, "ip link shows the names of all interfaces", "interface %s does not exist", s.Interface)
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

// checkKernel checks whether the kernel can forward packets (eBPF). No interface is touched.
func checkKernel(_ context.Context, d *diagnosis, s *pppd.Settings) {
	release := ""
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		release = " " + unix.ByteSliceToString(name.Release[:])
	}
	e, err := ebpf.Open(ebpf.Config{Sessions: 1})
	if err == nil {
		e.Close()
		d.add("kernel", good, "", "Linux%s can forward packets in the kernel (eBPF)", release)
		return
	}
	v := warning
	if s.DataPath.String() == "kernel" {
		v = fault
	}
	d.add("kernel", v, "nothing, if user space is fast enough; else Linux 6.1 or later with CONFIG_BPF_SYSCALL, and CAP_BPF",
		"Linux%s cannot forward packets in the kernel, so they go through user space: %v", release, err)
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
