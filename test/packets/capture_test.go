package packets

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// udpFrame returns a frame of a session with a datagram of four octets and a partial checksum, and
// its virtio-net header.
func udpFrame() (header, frame []byte) {
	packet := []byte{
		0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
		0x12, 0x34, 0x12, 0x34, 0, 12, 0, 0, 1, 2, 3, 4,
	}
	binary.BigEndian.PutUint16(packet[10:], ^Sum(0, packet[:20]))
	// The field of a partial checksum holds the sum of the pseudo-header.
	binary.BigEndian.PutUint16(packet[26:], Sum(uint32(Sum(17+12, packet[12:16])), packet[16:20]))
	frame = wire.AppendSessionFrame(nil, wire.Addr{2}, wire.Addr{4}, 1, append([]byte{0, 0x21}, packet...))
	header = make([]byte, virtioLen)
	header[0] = unix.VIRTIO_NET_HDR_F_NEEDS_CSUM
	binary.NativeEndian.PutUint16(header[6:], uint16(datapath.HeadersLen+20))
	binary.NativeEndian.PutUint16(header[8:], 6)
	return header, frame
}

// TestCaptureErrors: a partial checksum is completed or an error, as configured; a GSO packet and a
// wrong checksum are always errors.
func TestCaptureErrors(t *testing.T) {
	for _, c := range []struct {
		name    string
		capture Capture
		change  func(header, frame []byte)
		want    string
	}{
		{"partial", Capture{}, func(_, _ []byte) {}, ""},
		{"partial, must be complete", Capture{ChecksumsFilled: true}, func(_, _ []byte) {}, "partial checksum"},
		{"neither partial nor complete", Capture{}, func(h, _ []byte) { h[0] = 0 }, "checksum of protocol 17"},
		{"GSO packet", Capture{}, func(h, _ []byte) { h[1] = unix.VIRTIO_NET_HDR_GSO_UDP_L4 }, "a GSO packet"},
		{"partial beyond the end", Capture{}, func(h, _ []byte) { h[7], h[6] = 1, 1 }, "a partial checksum at"},
		{"from another address", Capture{From: wire.Addr{6}}, func(h, _ []byte) { h[0] = 0 }, ""},
	} {
		c.capture.Lengths = make(map[int]int)
		header, frame := udpFrame()
		c.change(header, frame)
		c.capture.inspect(header, frame)
		got := strings.Join(c.capture.Errors, "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: the error is %q, want %q", c.name, got, c.want)
		}
		if seen := c.capture.From == (wire.Addr{}); (c.capture.Frames == 1) != seen || (c.capture.Lengths[len(frame)] == 1) != seen {
			t.Errorf("%s: %d frames were captured", c.name, c.capture.Frames)
		}
	}
}
