package afpacket_test

import (
	"encoding/binary"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// TestPendingChecksums: frames that the kernel sends at the other end of a veth pair have pending
// checksums. They are marked so, are wrong as received, and right once completed. The packets come
// without PPPoE, since a kernel without PPP sends none: the mark is independent of the ethertype.
func TestPendingChecksums(t *testing.T) {
	w := newWire(t)
	for _, address := range []string{"192.0.2.2/24", "2001:db8::2/64"} {
		if err := w.far.Address("far", address); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		network, to string
		etherType   uint16
	}{
		{"udp4", "192.0.2.1:4000", unix.ETH_P_IP},
		{"tcp4", "192.0.2.1:4000", unix.ETH_P_IP},
		{"udp6", "[2001:db8::1]:4000", unix.ETH_P_IPV6},
		{"tcp6", "[2001:db8::1]:4000", unix.ETH_P_IPV6},
	} {
		t.Run(c.network, func(t *testing.T) {
			port := w.port(w.near, "near", c.etherType)
			host, _, _ := net.SplitHostPort(c.to)
			w.neighbour(host)
			w.do(w.far, func() error { return send(c.network, c.to) })
			frame := w.transport(port, c.network)
			packet := frame.Data[14:]
			if !frame.ChecksumPending {
				t.Fatal("the checksum is not marked as pending")
			}
			if checksumRight(packet) {
				t.Fatal("the checksum is right as received: nothing is tested")
			}
			if !tun.CompleteChecksum(packet) || !checksumRight(packet) {
				t.Errorf("the checksum is not right after it was completed: % x", packet)
			}
		})
	}
}

// neighbour adds a neighbour entry for "near" at the far side, since nothing answers there.
func (w *testWire) neighbour(host string) {
	w.Helper()
	if out, err := w.far.Run("ip", "neighbour", "replace", host, "lladdr", nearMAC, "dev", "far", "nud", "permanent"); err != nil {
		w.Fatalf("%v: %s", err, out)
	}
}

// send sends a datagram, or the SYN of a connection that nothing accepts. Duplicate address
// detection is disabled on the veth pair.
func send(network, to string) error {
	family, kind, addr := sockaddr(network, to)
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if kind == unix.SOCK_DGRAM {
		return unix.Sendto(fd, []byte("an odd number of octets"), 0, addr)
	}
	if err := unix.Connect(fd, addr); err != unix.EINPROGRESS {
		return err
	}
	return nil
}

func sockaddr(network, to string) (family, kind int, addr unix.Sockaddr) {
	a, _ := net.ResolveUDPAddr("udp", to)
	kind = unix.SOCK_DGRAM
	if network[:3] == "tcp" {
		kind = unix.SOCK_STREAM
	}
	if ip := a.IP.To4(); ip != nil {
		return unix.AF_INET, kind, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(ip)}
	}
	return unix.AF_INET6, kind, &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP)}
}

// transport reads until it has a packet of the transport.
func (w *testWire) transport(port *afpacket.Port, network string) datapath.Frame {
	w.Helper()
	want := map[string]byte{"udp": unix.IPPROTO_UDP, "tcp": unix.IPPROTO_TCP}[network[:3]]
	for {
		f := w.read(port, 1)[0]
		if proto, _, _ := parts(f.Data[14:]); proto == want {
			return f
		}
	}
}

// parts returns what a checksum covers: protocol, addresses and segment of a packet without
// options.
func parts(packet []byte) (proto byte, addresses, segment []byte) {
	if packet[0]>>4 == 4 {
		return packet[9], packet[12:20], packet[20:binary.BigEndian.Uint16(packet[2:])]
	}
	return packet[6], packet[8:40], packet[40 : 40+binary.BigEndian.Uint16(packet[4:])]
}

// checksumRight reports whether a packet's transport checksum is right.
func checksumRight(packet []byte) bool {
	proto, addresses, segment := parts(packet)
	sum := uint32(proto) + uint32(len(segment))
	for _, b := range [][]byte{addresses, segment} {
		for i, octet := range b {
			sum += uint32(octet) << (8 - i%2*8)
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum == 0xffff
}
