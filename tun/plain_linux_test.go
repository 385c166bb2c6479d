package tun_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// TestNames: without a name the kernel takes the first free one from ppp0 on; an existing name is
// refused with advice.
func TestNames(t *testing.T) {
	labtest.InNamespace(t, func() error {
		var devices []*tun.Plain
		for _, want := range []string{"ppp0", "ppp1", "ppp2"} {
			d, err := tun.Open(tun.Config{})
			if err != nil {
				return err
			}
			defer d.Close()
			if d.Name() != want {
				t.Errorf("the device is %s, want %s", d.Name(), want)
			}
			devices = append(devices, d)
		}
		for _, taken := range []string{"ppp0", "lo"} {
			if _, err := tun.Open(tun.Config{Name: taken}); !errors.Is(err, tun.ErrNameTaken) {
				t.Errorf("opening %s again: %v, want %v", taken, err, tun.ErrNameTaken)
			}
		}
		devices[1].Close()
		d, err := tun.Open(tun.Config{})
		if err != nil {
			return err
		}
		defer d.Close()
		if d.Name() != "ppp1" {
			t.Errorf("the device is %s, want ppp1, which is free again", d.Name())
		}
		named, err := tun.Open(tun.Config{Name: "fifteen-letters"})
		if err != nil {
			return err
		}
		defer named.Close()
		if named.Name() != "fifteen-letters" {
			t.Errorf("the device is %s, want the name given", named.Name())
		}
		return nil
	})
}

// descriptors counts the descriptors of /dev/net/tun of this process.
func descriptors(t *testing.T) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if target, _ := os.Readlink(l); target == "/dev/net/tun" {
			n++
		}
	}
	return n
}

// TestNoPermission: without CAP_NET_ADMIN the error says so, and failed calls leak no descriptors.
func TestNoPermission(t *testing.T) {
	labtest.InNamespace(t, func() error {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil { // of this thread only, which ends
			return err
		}
		before := descriptors(t)
		for range 3 {
			if _, err := tun.Open(tun.Config{}); !errors.Is(err, tun.ErrPermission) {
				t.Errorf("opening without a capability: %v, want %v", err, tun.ErrPermission)
			}
		}
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors of /dev/net/tun are open after the failure, %d before it", after, before)
		}
		return nil
	})
}

// TestLooksLikePPP: the link type is ppp, as with the kernel's PPP, and the kernel generates no
// IPv6 address when it is up.
func TestLooksLikePPP(t *testing.T) {
	onDevice(t, func(d *tun.Plain, link netlink.Link) error {
		if link.Attrs().EncapType != "ppp" {
			t.Errorf("link/%s, want link/ppp", link.Attrs().EncapType)
		}
		addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
		if len(addrs) > 0 {
			t.Errorf("the kernel gave the device addresses: %v", addrs)
		}
		return err
	})
}

// onDevice runs a test on a device that is up, in a network namespace of its own.
func onDevice(t testing.TB, f func(*tun.Plain, netlink.Link) error) {
	t.Helper()
	labtest.InNamespace(t, func() error {
		d, err := tun.Open(tun.Config{})
		if err != nil {
			return err
		}
		defer d.Close()
		link, err := netlink.LinkByName(d.Name())
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		return f(d, link)
	})
}

// addAddress gives a device 192.0.2.10/24.
func addAddress(link netlink.Link) error {
	addr, err := netlink.ParseAddr("192.0.2.10/24")
	if err != nil {
		return err
	}
	return netlink.AddrAdd(link, addr)
}

const headroom = 22

// TestPacketsCross sends a packet in each direction, with headroom.
func TestPacketsCross(t *testing.T) {
	onDevice(t, func(d *tun.Plain, link netlink.Link) error {
		if err := addAddress(link); err != nil {
			return err
		}
		conn, err := net.ListenPacket("udp4", "192.0.2.10:4000")
		if err != nil {
			return err
		}
		defer conn.Close()
		return checkPacketsCross(t, d, conn, headroom)
	})
}

// remote is an address behind a device.
var remote = net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:5000"))

// checkPacketsCross sends a datagram out of the device, and back from the remote address.
func checkPacketsCross(t *testing.T, d tun.Device, conn net.PacketConn, headroom int) error {
	t.Helper()
	if _, err := conn.WriteTo([]byte("out"), remote); err != nil {
		return err
	}
	bufs, sizes := [][]byte{make([]byte, headroom+1500)}, make([]int, 1)
	packet, err := readUDP(d, bufs, sizes, headroom)
	if err != nil {
		return err
	}
	if !bytes.HasSuffix(packet, []byte("out")) || binary.BigEndian.Uint16(packet[2:]) != uint16(len(packet)) {
		t.Errorf("headroom %d: read % x, want the datagram that was sent", headroom, packet)
	}
	swapAddresses(packet)
	if n, err := d.Write([][]byte{bufs[0][:headroom+sizes[0]]}, headroom); n != 1 || err != nil {
		t.Errorf("headroom %d: Write took %d packets: %v", headroom, n, err)
	}
	var answer [16]byte
	n, from, err := conn.ReadFrom(answer[:])
	if err != nil || string(answer[:n]) != "out" || from.String() != remote.String() {
		t.Errorf("headroom %d: received %q from %v: %v", headroom, answer[:n], from, err)
	}
	return nil
}

// readUDP reads packets until one is UDP over IPv4, and returns it. It ignores those of the kernel,
// such as multicast listener reports.
func readUDP(d tun.Device, bufs [][]byte, sizes []int, headroom int) ([]byte, error) {
	for {
		if _, err := d.Read(bufs, sizes, headroom); err != nil {
			return nil, err
		}
		if packet := bufs[0][headroom : headroom+sizes[0]]; packet[0]>>4 == 4 && packet[9] == unix.IPPROTO_UDP {
			return packet, nil
		}
	}
}

// swapAddresses swaps addresses and ports of a UDP packet, which keeps its checksums right.
func swapAddresses(packet []byte) {
	for i := range 4 {
		packet[12+i], packet[16+i] = packet[16+i], packet[12+i]
	}
	for i := range 2 {
		packet[20+i], packet[22+i] = packet[22+i], packet[20+i]
	}
}

// TestBadPacketsDoNotHoldUp: a packet that the kernel refuses is not counted, and the following
// ones are written.
func TestBadPacketsDoNotHoldUp(t *testing.T) {
	onDevice(t, func(d *tun.Plain, _ netlink.Link) error {
		good := append(make([]byte, headroom), 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
		bad := append(make([]byte, headroom), 0x05)
		n, err := d.Write([][]byte{bad, good, bad, good}, headroom)
		if n != 2 || err == nil {
			t.Errorf("Write took %d packets (%v), want 2 and an error", n, err)
		}
		return nil
	})
}

// TestCloseEndsRead: Close ends a blocked Read, and removes the interface.
func TestCloseEndsRead(t *testing.T) {
	labtest.InNamespace(t, func() error {
		d, err := tun.Open(tun.Config{}) // down: nothing to read
		if err != nil {
			return err
		}
		result := make(chan error)
		go func() {
			_, err := d.Read([][]byte{make([]byte, 1500)}, make([]int, 1), 0)
			result <- err
		}()
		d.Close()
		if err := <-result; !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read returned %v, want os.ErrClosed", err)
		}
		if _, err := d.Read([][]byte{make([]byte, 1500)}, make([]int, 1), 0); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close returned %v, want os.ErrClosed", err)
		}
		checkRemoved(t, d)
		return nil
	})
}

// checkRemoved checks that a device's interface does not exist.
func checkRemoved(t testing.TB, d tun.Device) {
	t.Helper()
	if _, err := net.InterfaceByName(d.Name()); err == nil {
		t.Errorf("%s is still there", d.Name())
	}
}

// TestRemovedFromOutside: `ip link delete ppp0` ends Read.
func TestRemovedFromOutside(t *testing.T) {
	onDevice(t, func(d *tun.Plain, link netlink.Link) error {
		result := make(chan error)
		go func() {
			buf := [][]byte{make([]byte, 1500)}
			for {
				if _, err := d.Read(buf, make([]int, 1), 0); err != nil {
					result <- err
					return
				}
			}
		}()
		if err := netlink.LinkDel(link); err != nil {
			return err
		}
		if err := <-result; errors.Is(err, os.ErrClosed) {
			t.Errorf("Read returned %v, want the system's error", err)
		}
		return nil
	})
}

// TestNotInherited: a child process does not inherit the device, which would keep it alive.
func TestNotInherited(t *testing.T) {
	labtest.InNamespace(t, func() error {
		d, err := tun.Open(tun.Config{})
		if err != nil {
			return err
		}
		defer d.Close()
		out, err := exec.Command("ls", "-l", "/proc/self/fd").Output()
		if strings.Contains(string(out), "/dev/net/tun") {
			t.Errorf("a program that was started has the device:\n%s", out)
		}
		return err
	})
}

// BenchmarkWrite and BenchmarkRead measure a packet of 1400 octets, which does not allocate.
func BenchmarkWrite(b *testing.B) {
	onDevice(b, func(d *tun.Plain, _ netlink.Link) error {
		packet := make([]byte, headroom+1400)
		copy(packet[headroom:], []byte{0x45, 0, 5, 0x78, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2})
		packets := [][]byte{packet}
		b.ReportAllocs()
		b.SetBytes(1400)
		for b.Loop() {
			if n, err := d.Write(packets, headroom); n != 1 {
				return err
			}
		}
		return nil
	})
}

func BenchmarkRead(b *testing.B) {
	onDevice(b, func(d *tun.Plain, link netlink.Link) error {
		if err := addAddress(link); err != nil {
			return err
		}
		conn, err := net.Dial("udp4", "192.0.2.1:9")
		if err != nil {
			return err
		}
		defer conn.Close()
		payload := make([]byte, 1372)
		bufs, sizes := [][]byte{make([]byte, headroom+1500)}, make([]int, 1)
		b.ReportAllocs()
		b.SetBytes(1400)
		for b.Loop() { // includes the cost of sending it
			if _, err := conn.Write(payload); err != nil {
				return err
			}
			if _, err := d.Read(bufs, sizes, headroom); err != nil {
				return err
			}
		}
		return nil
	})
}
