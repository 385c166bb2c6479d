package ebpf

import (
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
)

// TestPromiscuous: user space carries a session while its device is promiscuous, by a packet socket
// (as of tcpdump) or by ip(8), before its session is added or later; otherwise the kernel does.
func TestPromiscuous(t *testing.T) {
	notices := make(chan string, 16)
	s := newNetwork(t, withoutTimer, func(e *station, cfg *Config) {
		if e.addr == addrs[0] {
			cfg.Notify = func(text string) { notices <- text }
		}
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	seq := 0
	kernel := func(want bool, when string) {
		t.Helper()
		seq++
		sent, received := here.userSpace.sent.Load(), here.kernel.Counters().ReceivedPackets
		if _, err := here.ns.Ping(there.ipv4, seq, time.Second); err != nil {
			t.Errorf("%s: %v", when, err)
		}
		if got := here.userSpace.sent.Load() == sent; got != want {
			t.Errorf("%s: sent in the kernel: %v", when, got)
		}
		if got := here.kernel.Counters().ReceivedPackets > received; got != want {
			t.Errorf("%s: received in the kernel: %v", when, got)
		}
	}
	says := func(want string) {
		t.Helper()
		select {
		case text := <-notices:
			if !strings.Contains(text, want) {
				t.Errorf("the log says: %s", text)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("the log does not say: %s", want)
		}
	}
	capture := func() (end func()) {
		fd := -1
		here.do(func() (err error) {
			if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); err != nil {
				return err
			}
			device, err := net.InterfaceByName(here.device.Name())
			if err != nil {
				return err
			}
			return unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &unix.PacketMreq{Ifindex: int32(device.Index), Type: unix.PACKET_MR_PROMISC})
		})
		return func() { unix.Close(fd) }
	}
	kernel(true, "at first")
	first := capture()
	says("promiscuous")
	kernel(false, "with one capture")
	second := capture()
	first()
	kernel(false, "with another")
	second()
	says("in the kernel again")
	kernel(true, "with none")

	sh(t, here.ns, "ip", "link", "set", here.device.Name(), "promisc", "on")
	says("promiscuous")
	kernel(false, "by ip link")
	here.kernel.Remove()
	here.add()
	says("promiscuous")
	here.kernel.SetFamilies(true, true)
	kernel(false, "added while promiscuous")
	here.do(func() error { here.engine.readPromiscuity(); return nil })
	kernel(false, "read after lost messages")
	sh(t, here.ns, "ip", "link", "set", here.device.Name(), "promisc", "off")
	says("in the kernel again")
	kernel(true, "in the end")
}
