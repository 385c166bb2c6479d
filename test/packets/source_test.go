package packets

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSource: packets are numbered, not too long, and of all kinds.
func TestSource(t *testing.T) {
	s := &Source{Rand: rand.New(rand.NewPCG(1, 2)), MaxLen: 1492, FirstNumber: 7, Flows: true}
	kinds := make(map[string]int)
	for i := range 20000 {
		p := s.Next()
		if n, ok := numberOf(p); !ok || n != uint32(7+i) || len(p) > 1492 {
			t.Fatalf("packet %d: %d, %v, %d octets", i, n, ok, len(p))
		}
		switch {
		case p[0]>>4 == 6:
			kinds["IPv6"]++
			if slices.Contains([]byte{0, 43, 44, 60}, p[6]) {
				kinds["extension headers"]++
			}
		case Sum(0, p[:int(p[0]&15)*4]) != 0xffff:
			t.Fatalf("packet %d: the header's checksum is wrong: %x", i, p)
		default:
			kinds["IPv4"]++
			if p[0] != 0x45 {
				kinds["options"]++
			}
			if binary.BigEndian.Uint16(p[6:])&0x3fff != 0 {
				kinds["fragments"]++
			}
			if int(binary.BigEndian.Uint16(p[2:])) != len(p) {
				kinds["with a wrong length"]++
			}
		}
		if len(p) == 1492 {
			kinds["full"]++
		}
	}
	for _, kind := range []string{"IPv4", "IPv6", "options", "extension headers", "fragments", "full", "with a wrong length"} {
		if kinds[kind] < 100 {
			t.Errorf("only %d are %s", kinds[kind], kind)
		}
	}
}

// TestVersion: a source can be restricted to one IP version.
func TestVersion(t *testing.T) {
	for _, version := range []byte{4, 6} {
		s := &Source{Rand: rand.New(rand.NewPCG(1, 2)), MaxLen: 200, Version: version, Flows: true}
		for range 1000 {
			if p := s.Next(); p[0]>>4 != version {
				t.Fatalf("a packet of IPv%d: %x", p[0]>>4, p)
			}
		}
	}
}

// TestCompare: a packet that was changed, arrives twice or was not sent is detected.
func TestCompare(t *testing.T) {
	s := &Source{Rand: rand.New(rand.NewPCG(1, 2)), MaxLen: 1492}
	first, second := s.Next(), s.Next()
	c := &transfer{pending: map[uint32][]byte{0: first, 1: second}, slots: make(chan struct{}, 2)}
	c.slots <- struct{}{}
	changed := slices.Clone(second)
	changed[9] ^= 1
	if n, err := c.compare(make([]byte, 100)); n != 0 || err != nil {
		t.Errorf("a foreign packet: %d, %v", n, err)
	}
	if n, err := c.compare(first); n != 1 || err != nil {
		t.Errorf("an unchanged packet: %d, %v", n, err)
	}
	if _, err := c.compare(first); err == nil {
		t.Error("a packet that arrived twice was accepted")
	}
	if _, err := c.compare(changed); err == nil {
		t.Error("a changed packet was accepted")
	}
	if c.Packets != 1 || c.Octets != len(first) {
		t.Errorf("%d packets of %d octets were carried", c.Packets, c.Octets)
	}
}

// TestGSO: segments of GSO packets are numbered in sequence.
func TestGSO(t *testing.T) {
	s := &Source{Rand: rand.New(rand.NewPCG(1, 2)), MaxLen: 1492, GSO: true}
	gsoPackets, want := 0, uint32(0)
	for range 2000 {
		m, err := s.next(20)
		if err != nil || len(m.packets) == 0 || len(m.packets) > 20 {
			t.Fatalf("%d packets: %v", len(m.packets), err)
		}
		if len(m.packets) > 1 {
			gsoPackets++
		}
		for _, p := range m.packets {
			if n, ok := numberOf(p); !ok || n != want || len(p) > 1492 {
				t.Fatalf("packet %d: %d, %v, %d octets", want, n, ok, len(p))
			}
			want++
		}
	}
	if gsoPackets < 50 {
		t.Errorf("only %d GSO packets", gsoPackets)
	}
}

// TestCheckFrame: a change of any octet covered by lengths or checksums is detected.
func TestCheckFrame(t *testing.T) {
	s := &Source{Rand: rand.New(rand.NewPCG(1, 2)), MaxLen: 200}
	found := 0
	for range 300 {
		p := s.Next()
		frame := append(make([]byte, 22, 22+len(p)), p...)
		binary.BigEndian.PutUint16(frame[18:], uint16(2+len(p)))
		frame[21] = map[byte]byte{4: 0x21, 6: 0x57}[p[0]>>4]
		if err := CheckFrame(frame); err != nil {
			continue // a source generates some invalid packets
		}
		for _, at := range []int{18, 19} {
			frame[at] ^= 0x40
			if CheckFrame(frame) == nil {
				t.Fatalf("octet %d is wrong, and not detected: % x", at, frame)
			}
			frame[at] ^= 0x40
		}
		for at := 22; at < 22+20 && p[0]>>4 == 4; at++ {
			frame[at] ^= 1
			if CheckFrame(frame) == nil {
				t.Fatalf("octet %d is wrong, and not detected: % x", at, frame)
			}
			frame[at] ^= 1
		}
		found++
	}
	if found < 20 {
		t.Errorf("only %d valid frames", found)
	}
}
