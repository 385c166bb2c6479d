package shared

import "testing"

// TestChecksumOfZero: a checksum that is 0 is sent as 0xffff, which means the same (RFC 768), and
// accepted.
func TestChecksumOfZero(t *testing.T) {
	found := 0
	for i := range 1 << 16 {
		p := packet{source: ours, destination: peer, next: protoUDP, hopLimit: 64, payload: []byte{2, 34, 2, 35, 0, 10, 0, 0, byte(i >> 8), byte(i)}}
		if sum(p.source, p.destination, p.next, p.payload) != 0 {
			continue
		}
		found++
		b := p.appendTo(nil, udpChecksum)
		got, err := parsePacket(b)
		if err != nil || got.valid() != nil || b[46] != 0xff || b[47] != 0xff {
			t.Errorf("% x: %v", b, err)
		}
	}
	if found == 0 {
		t.Error("no payload has the checksum 0")
	}
}
