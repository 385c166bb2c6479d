package datapath

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/test/lab/labtest"
	"upppoe/test/packets"
)

// TestPendingChecksums: a peer on the same machine, as over a veth pair, sends packets with partial
// checksums (CHECKSUM_PARTIAL). They arrive, coalesced or not.
func TestPendingChecksums(t *testing.T) {
	for _, with := range paths {
		e := dial(t, datapath.KindPlain, with, settings{})
		for _, c := range []struct{ from, to string }{{clientIP, serverIP}, {clientIP6, serverIP6}} {
			t.Run(fmt.Sprintf("%v %s", with, c.to), func(t *testing.T) {
				labtest.OneCPU(t) // they arrive in order
				e.pendingChecksums(t, c.from, c.to)
			})
		}
	}
}

func (e *ends) pendingChecksums(t *testing.T, from, to string) {
	var server net.PacketConn
	must(t, e.server.Do(func() (err error) {
		server, err = net.ListenPacket("udp", net.JoinHostPort(to, "4000"))
		return err
	}))
	defer server.Close()
	var frames, want [][]byte
	for i := range 50 {
		data := bytes.Repeat([]byte{byte(i)}, 100+i/10)
		want = append(want, data)
		frames = append(frames, pendingChecksumFrame(netip.MustParseAddr(from), netip.MustParseAddr(to), data))
	}
	must(t, e.client.Do(func() error { return inject("eth0", frames) }))
	buf := make([]byte, 2000)
	for i := range want {
		server.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, _, err := server.ReadFrom(buf)
		if err != nil || !bytes.Equal(buf[:n], want[i]) {
			t.Fatalf("datagram %d: %d octets of %d: %v", i, n, buf[0], err)
		}
	}
}

// pendingChecksumFrame returns a frame of session 1, with a virtio-net header before it that marks
// the checksum of its UDP datagram as partial.
func pendingChecksumFrame(from, to netip.Addr, data []byte) []byte {
	dst, _ := net.ParseMAC(serverMAC)
	src, _ := net.ParseMAC(clientMAC)
	datagram := binary.BigEndian.AppendUint16([]byte{0x12, 0x34, 4000 >> 8, 4000 & 0xff}, uint16(8+len(data)))
	datagram = append(append(datagram, 0, 0), data...)
	pseudo := append(from.AsSlice(), to.AsSlice()...)
	binary.BigEndian.PutUint16(datagram[6:], packets.Sum(uint32(17+len(datagram)), pseudo))

	protocol, ip := byte(0x57), append([]byte{0x60, 0, 0, 0, 0, byte(len(datagram)), 17, 64}, pseudo...)
	if from.Is4() {
		protocol, ip = 0x21, append([]byte{0x45, 0, 0, byte(20 + len(datagram)), 0, 0, 0x40, 0, 64, 17, 0, 0}, pseudo...)
		binary.BigEndian.PutUint16(ip[10:], ^packets.Sum(0, ip))
	}
	packet := append(ip, datagram...)
	frame := append(append(append([]byte(nil), dst...), src...), 0x88, 0x64, 0x11, 0, 0, 1)
	frame = binary.BigEndian.AppendUint16(frame, uint16(2+len(packet)))
	frame = append(append(frame, 0, protocol), packet...)

	header := make([]byte, virtioLen)
	header[0] = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM
	binary.NativeEndian.PutUint16(header[6:], uint16(datapath.HeadersLen+len(ip)))
	binary.NativeEndian.PutUint16(header[8:], 6)
	return append(header, frame...)
}

// virtioLen is the length of struct virtio_net_hdr, which describes partial checksums.
const virtioLen = 10

// inject sends frames from an interface, each with a virtio-net header before it.
func inject(from string, frames [][]byte) error {
	eth, err := net.InterfaceByName(from)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return err
	}
	for _, f := range frames {
		if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: eth.Index}); err != nil {
			return err
		}
	}
	return nil
}
