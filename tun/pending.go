package tun

import (
	"encoding/binary"
	"errors"
)

// Segmentation is how a GSO packet is to be segmented.
type Segmentation uint8

// The values are those of the virtio-net header (Virtual I/O Device 1.2 section 5.1.6,
// VIRTIO_NET_HDR_GSO_...).
const (
	SegmentNone Segmentation = 0 // an ordinary packet
	SegmentTCP4 Segmentation = 1
	SegmentTCP6 Segmentation = 4
	SegmentUDP  Segmentation = 5 // datagrams of one length, over IPv4 or IPv6
)

// PendingOffload is the work on a packet that its sender has left to the network card, or to the
// next program: segmentation, and a checksum. The zero value is none.
type PendingOffload struct {
	// Checksum is set if the transport checksum is pending: the field holds the sum of the
	// pseudo-header. The checksum covers the octets from Start on; the field is at Start+Offset.
	Checksum      bool
	Start, Offset uint16
	// Segment is how the packet is to be segmented: into segments with Size octets of payload; the
	// last may be shorter. Their checksums are pending, too.
	Segment Segmentation
	Size    uint16
	// ECN is set if only the first segment has the TCP flag CWR (RFC 3168 section 6.1.2).
	ECN bool
}

// virtioLen is the length of the virtio-net header without num_buffers.
const virtioLen = 10

// Bits of the virtio-net header.
const (
	virtioNeedsChecksum = 1    // VIRTIO_NET_HDR_F_NEEDS_CSUM
	virtioECN           = 0x80 // VIRTIO_NET_HDR_GSO_ECN
)

// errSegmentation is returned for a virtio-net header with a GSO type that was not enabled.
var errSegmentation = errors.New("virtio-net header with a GSO type that was not enabled")

// parsePending parses a virtio-net header in the machine's byte order, as TUN devices write it.
// hdr_len is only a hint, and ignored.
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

// put writes the virtio-net header. hdr_len is header: the kernel wants the headers contiguous.
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

// Complete completes the pending checksum of an ordinary packet. It returns false, and changes
// nothing, if the checksum field is beyond the packet.
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

// FindPendingChecksum returns the position of the checksum of a packet that is known to be pending.
// Zero: CompleteChecksum would not complete it.
func FindPendingChecksum(packet []byte) PendingOffload {
	s := parseTransport(packet)
	offset := s.checksumAt()
	if offset == 0 || !s.isPseudoSum(binary.BigEndian.Uint16(s.data[offset:])) {
		return PendingOffload{}
	}
	return PendingOffload{Checksum: true, Start: uint16(s.start), Offset: uint16(offset)}
}
