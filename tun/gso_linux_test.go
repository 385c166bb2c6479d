package tun_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// onGSODevice runs a test on a device that is up and has an address, in a network namespace of its
// own.
func onGSODevice(t *testing.T, cfg tun.Config, f func(*tun.GSO) error) {
	t.Helper()
	labtest.InNamespace(t, func() error {
		d, err := tun.OpenGSO(cfg)
		if err != nil {
			return err
		}
		defer d.Close()
		link, err := netlink.LinkByName(d.Name())
		if err != nil {
			return err
		}
		if err := errors.Join(netlink.LinkSetMTU(link, 1492), netlink.LinkSetUp(link), addAddress(link)); err != nil {
			return err
		}
		return f(d)
	})
}

// TestGSONames: names are those of plain devices, and refused in the same way.
func TestGSONames(t *testing.T) {
	labtest.InNamespace(t, func() error {
		for _, want := range []string{"ppp0", "ppp1"} {
			d, err := tun.OpenGSO(tun.Config{})
			if err != nil {
				return err
			}
			defer d.Close()
			link, err := netlink.LinkByName(d.Name())
			if err != nil || d.Name() != want || link.Attrs().EncapType != "ppp" {
				t.Errorf("the device is %s, want %s, link/ppp: %v", d.Name(), want, err)
			}
		}
		if _, err := tun.OpenGSO(tun.Config{Name: "ppp0"}); !errors.Is(err, tun.ErrNameTaken) {
			t.Errorf("opening ppp0 again: %v, want %v", err, tun.ErrNameTaken)
		}
		if _, err := tun.OpenGSO(tun.Config{Name: "a/b"}); !errors.Is(err, tun.ErrName) {
			t.Errorf("a bad name: %v, want %v", err, tun.ErrName)
		}
		return nil
	})
}

// datagrams returns a UDP socket that makes the kernel send what is written as datagrams of 1000
// octets.
func datagrams() (net.PacketConn, error) {
	conn, err := net.ListenPacket("udp4", "192.0.2.10:4000")
	if err != nil {
		return nil, err
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, 1000)
	})
	return conn, errors.Join(failed, err)
}

// TestGSOHeadroom: the headroom may be zero, as with any device.
func TestGSOHeadroom(t *testing.T) {
	for _, room := range []int{0, 1, 9, 10, 11} {
		onGSODevice(t, tun.Config{}, func(d *tun.GSO) error {
			conn, err := datagrams()
			if err != nil {
				return err
			}
			defer conn.Close()
			return checkPacketsCross(t, d, conn, room)
		})
	}
}

// TestGSODisabledAtFirst: before EnableGSO there are no GSO packets: each packet is read alone,
// with its checksum complete, and written.
func TestGSODisabledAtFirst(t *testing.T) {
	onGSODevice(t, tun.Config{}, func(d *tun.GSO) error {
		conn, err := datagrams()
		if err != nil {
			return err
		}
		defer conn.Close()
		data := bytes.Repeat([]byte("0123456789"), 250)
		if _, err := conn.WriteTo(data, remote); err != nil {
			return err
		}
		bufs, sizes := [][]byte{make([]byte, headroom+1500)}, make([]int, 1)
		for _, want := range [][]byte{data[:1000], data[1000:2000], data[2000:]} {
			packet, err := readUDP(d, bufs, sizes, headroom)
			if err != nil {
				return err
			}
			if !bytes.Equal(packet[28:], want) || !udpRight(packet) {
				t.Errorf("read %d octets, checksum right: %v", len(packet), udpRight(packet))
			}
			swapAddresses(packet)
			if n, err := d.Write([][]byte{bufs[0][:headroom+sizes[0]]}, headroom); n != 1 || err != nil {
				t.Errorf("Write took %d packets: %v", n, err)
			}
			got := make([]byte, 2000)
			n, _, err := conn.ReadFrom(got)
			if err != nil || !bytes.Equal(got[:n], want) {
				t.Errorf("%d octets came back: %v", n, err)
			}
		}
		bad := append(make([]byte, headroom), 0x05)
		if n, err := d.Write([][]byte{bad}, headroom); n != 0 || err == nil {
			t.Errorf("a bad packet was written: %d, %v", n, err)
		}
		return nil
	})
}

// udpRight reports whether the checksum of a UDP packet over IPv4 is right.
func udpRight(p []byte) bool {
	b := append(bytes.Clone(p[12:20]), 0, 17, byte((len(p)-20)>>8), byte(len(p)-20))
	b = append(b, p[20:]...)
	var sum uint32
	for i, octet := range b {
		sum += uint32(octet) << (8 - i%2*8)
		sum = sum&0xffff + sum>>16
	}
	return sum == 0xffff
}

// TestGSOPacketsCross: a burst of datagrams is read in one call, and arrives as a burst when it is
// written in one call.
func TestGSOPacketsCross(t *testing.T) {
	onGSODevice(t, tun.Config{}, func(d *tun.GSO) error {
		if err := d.EnableGSO(); err != nil {
			return err
		}
		if !d.SupportsUDPGSO() {
			roottest.SkipMissing(t, "this kernel has no GSO packets of UDP for TUN devices (Linux 6.2)")
		}
		conn, err := datagrams()
		if err != nil {
			return err
		}
		defer conn.Close()
		data := bytes.Repeat([]byte("0123456789"), 2550)
		if _, err := conn.WriteTo(data, remote); err != nil {
			return err
		}
		buf := make([]byte, headroom+tun.MaxGSOPacket)
		n, p := 0, tun.PendingOffload{}
		for p.Segment == tun.SegmentNone {
			if n, p, err = d.ReadGSO(buf, headroom); err != nil {
				return err
			}
			if n == 0 {
				if err := d.Wait(); err != nil {
					return err
				}
			}
		}
		want := tun.PendingOffload{Checksum: true, Start: 20, Offset: 6, Segment: tun.SegmentUDP, Size: 1000}
		packet := buf[headroom : headroom+n]
		if p != want || !bytes.Equal(packet[28:], data) {
			t.Fatalf("read %d octets, %+v; want %d, %+v", n, p, len(data)+28, want)
		}
		swapAddresses(packet)
		s := tun.GSOPacket{Parts: [][]byte{buf[:headroom+2000], buf[headroom+2000 : headroom+n]}, Headers: 28, Pending: p}
		if err := d.WriteGSO(&s, headroom); err != nil {
			return err
		}
		got := make([]byte, 2000)
		for rest := data; len(rest) > 0; {
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			n, _, err := conn.ReadFrom(got)
			if err != nil || n != min(1000, len(rest)) || !bytes.Equal(got[:n], rest[:n]) {
				t.Fatalf("%d octets came back with %d left: %v", n, len(rest), err)
			}
			rest = rest[n:]
		}
		binary.BigEndian.PutUint16(packet[2:], 0) // inconsistent with the IP header
		s.Pending.Segment = 77
		if err := d.WriteGSO(&s, headroom); err == nil {
			t.Error("a packet with a nonexistent GSO type was written")
		}
		return nil
	})
}

// TestGSOClose: Close ends Wait, and removes the interface.
func TestGSOClose(t *testing.T) {
	labtest.InNamespace(t, func() error {
		for what, wait := range map[string]func(*tun.GSO) error{
			"Wait": (*tun.GSO).Wait,
			"Read": func(d *tun.GSO) error {
				_, err := d.Read([][]byte{make([]byte, 1600)}, make([]int, 1), headroom)
				return err
			},
		} {
			d, err := tun.OpenGSO(tun.Config{}) // down: nothing to read
			if err != nil {
				return err
			}
			result := make(chan error)
			go func() { result <- wait(d) }()
			d.Close()
			if err := <-result; !errors.Is(err, os.ErrClosed) {
				t.Errorf("%s returned %v, want os.ErrClosed", what, err)
			}
			if _, _, err := d.ReadGSO(make([]byte, headroom+tun.MaxGSOPacket), headroom); !errors.Is(err, os.ErrClosed) {
				t.Errorf("ReadGSO after Close returned %v, want os.ErrClosed", err)
			}
			checkRemoved(t, d)
		}
		return nil
	})
}
