package tun

import (
	"encoding/binary"
	"errors"
)

// Segmentation is the way in which a GSO packet is yet to be cut.
type Segmentation uint8

// The ways there are. Their values are those of the virtio-net header (Virtual I/O
// Device 1.2 section 5.1.6, VIRTIO_NET_HDR_GSO_...).
const (
	SegmentNone Segmentation = 0 // an ordinary packet
	SegmentTCP4 Segmentation = 1
	SegmentTCP6 Segmentation = 4
	SegmentUDP  Segmentation = 5 // datagrams of one length, of IPv4 or IPv6
)

// PendingOffload is the work that the sender of a packet has left to whoever has it next, as
// it would to a network card: to cut it into segments, and to complete a checksum. The
// zero value is none.
type PendingOffload struct {
	// Checksum says that the transport checksum is open: the sum of the
	// pseudo-header stands in its place. It is that of the octets from Start on,
	// and belongs Offset octets behind that.
	Checksum      bool
	Start, Offset uint16
	// Segment is how the packet is to be cut: into segments of Size octets of
	// payload each, the last may be shorter. Their checksums are open.
	Segment Segmentation
	Size    uint16
	// ECN says that the first segment alone has the TCP flag CWR (RFC 3168
	// section 6.1.2).
	ECN bool
}

// virtioLen is the length of the virtio-net header without the count of buffers.
const virtioLen = 10

// Bits of the virtio-net header.
const (
	virtioNeedsChecksum = 1    // VIRTIO_NET_HDR_F_NEEDS_CSUM
	virtioECN           = 0x80 // VIRTIO_NET_HDR_GSO_ECN
)

// errSegmentation is returned for a virtio-net header of a kind that was not asked for.
var errSegmentation = errors.New("a packet to be cut in a way that was not asked for")

// parsePending reads a virtio-net header in the byte order of the machine, as TUN
// devices write it. What the kernel says of the headers' length is only a hint.
func parsePending(b *[virtioLen]byte) (PendingOffload, error) {
	p := PendingOffload{Segment: Segmentation(b[1] &^ virtioECN), ECN: b[1]&virtioECN != 0}
	if b[0]&virtioNeedsChecksum != 0 {
		p.Checksum = true
		p.Start, p.Offset = binary.NativeEndian.Uint16(b[6:]), binary.NativeEndian.Uint16(b[8:])
	}
	switch p.Segment {
	case SegmentNone:
		p.ECN = false
	case SegmentTCP4, SegmentTCP6, SegmentUDP:
		p.Size = binary.NativeEndian.Uint16(b[4:])
	default:
		return PendingOffload{}, errSegmentation
	}
	return p, nil
}

// put writes the virtio-net header. The packet's headers end at "header": the kernel
// wants them in one piece.
func (p PendingOffload) put(b *[virtioLen]byte, header uint16) {
	*b = [virtioLen]byte{}
	if p.Checksum {
		b[0] = virtioNeedsChecksum
		binary.NativeEndian.PutUint16(b[6:], p.Start)
		binary.NativeEndian.PutUint16(b[8:], p.Offset)
	}
	if p.Segment == SegmentNone {
		return
	}
	b[1] = byte(p.Segment)
	if p.ECN {
		b[1] |= virtioECN
	}
	binary.NativeEndian.PutUint16(b[2:], header)
	binary.NativeEndian.PutUint16(b[4:], p.Size)
}

// Complete does the pending checksum of a packet that is not to be cut. It says no, and
// changes nothing, if the checksum lies beyond the packet.
func (p PendingOffload) Complete(packet []byte) bool {
	if !p.Checksum {
		return true
	}
	start, at := int(p.Start), int(p.Start)+int(p.Offset)
	if at+2 > len(packet) {
		return false
	}
	check := ^fold(sum(packet[start:]))
	if check == 0 && p.Offset == udpChecksum {
		check = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(packet[at:], check)
	return true
}

// FindPendingChecksum finds the checksum of a packet whose sender has left it open, and is
// known to have. Zero: there is none that CompleteChecksum would complete.
func FindPendingChecksum(packet []byte) PendingOffload {
	s := parseTransport(packet)
	offset := s.checksumAt()
	if offset == 0 || !s.isPseudoSum(binary.BigEndian.Uint16(s.data[offset:])) {
		return PendingOffload{}
	}
	return PendingOffload{Checksum: true, Start: uint16(s.start), Offset: uint16(offset)}
}
