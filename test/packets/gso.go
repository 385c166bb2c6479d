package packets

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"upppoe/tun"
)

// message is what is sent at once, one packet or a GSO packet, with a virtio-net header before it;
// and the packets that are to arrive.
type message struct {
	sent    []byte
	packets [][]byte
}

// next returns a message with at most so many packets.
func (s *Source) next(most int) (message, error) {
	if !s.GSO || most < 2 || s.flow != nil || s.Rand.IntN(16) > 0 {
		p := s.Next()
		return message{append(make([]byte, virtioLen), p...), [][]byte{p}}, nil
	}
	return s.gsoMessage(most)
}

// gsoMessage returns a GSO packet as a virtual machine sends it. Its segments are computed by
// tun.Segmenter, with which the kernel agrees where it segments.
func (s *Source) gsoMessage(most int) (message, error) {
	t := s.newFlow()
	p := slices.Clip(t.headers)
	count := max(2, min(t.left, most, (0xffff-len(p))/t.size))
	for i := range count {
		size := t.size
		if i == count-1 {
			size = markLen + s.Rand.IntN(t.size-markLen+1)
		}
		p = appendMark(s.octets(p, size-markLen), s.FirstNumber+s.count)
		s.count++
	}
	header := t.describeGSO(p)
	parts, err := segment(header, p)
	return message{append(header, p...), parts}, err
}

// describeGSO completes the headers of a GSO packet except its checksum, which stays partial, and
// returns a virtio-net header that describes it.
func (t *flow) describeGSO(p []byte) []byte {
	h := make([]byte, virtioLen)
	h[0], h[1] = unix.VIRTIO_NET_HDR_F_NEEDS_CSUM, unix.VIRTIO_NET_HDR_GSO_TCPV6
	if p[0]>>4 == 4 {
		h[1] = unix.VIRTIO_NET_HDR_GSO_TCPV4
	}
	setLength(p, len(p))
	setHeaderChecksum(p)
	segment, at := p[t.ip:], 16
	if t.protocol == protocolUDP {
		h[1], at = unix.VIRTIO_NET_HDR_GSO_UDP_L4, 6
		binary.BigEndian.PutUint16(segment[4:], uint16(len(segment)))
	} else {
		segment[13] |= []byte{0, 0x01, 0x08, 0x09, 0x40}[t.Rand.IntN(5)] // FIN and PSH: on the last segment only
		if t.Rand.IntN(8) == 0 {
			segment[13] |= 0x80 // CWR: on the first only
			h[1] |= unix.VIRTIO_NET_HDR_GSO_ECN
		}
	}
	binary.BigEndian.PutUint16(segment[at:], Sum(uint32(t.protocol)+uint32(len(segment)), t.addresses(p)))
	binary.NativeEndian.PutUint16(h[2:], uint16(len(t.headers)))
	binary.NativeEndian.PutUint16(h[4:], uint16(t.size))
	binary.NativeEndian.PutUint16(h[6:], uint16(t.ip))
	binary.NativeEndian.PutUint16(h[8:], uint16(at))
	return h
}

// segment returns the segments of a GSO packet.
func segment(header, p []byte) (parts [][]byte, err error) {
	var c tun.Segmenter
	if err := c.Start(p, pendingOf(header)); err != nil {
		return nil, err
	}
	for c.Len() > 0 {
		head := make([]byte, c.HeaderLen())
		payload := c.Next(head)
		parts = append(parts, append(head, payload...))
	}
	return parts, nil
}
