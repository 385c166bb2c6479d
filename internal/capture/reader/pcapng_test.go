package reader

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"
)

// section builds a section of a pcapng file in a byte order (draft-ietf-opsawg-pcapng).
type section struct {
	order binary.AppendByteOrder
	b     []byte
}

// block appends a block with a body and options.
func (s *section) block(kind uint32, body []byte, options ...[]byte) {
	for len(body)%4 > 0 {
		body = append(body, 0)
	}
	body = append(body, bytes.Join(options, nil)...)
	if len(options) > 0 {
		body = append(body, 0, 0, 0, 0) // opt_endofopt
	}
	n := uint32(12 + len(body))
	s.b = s.order.AppendUint32(s.order.AppendUint32(s.b, kind), n)
	s.b = s.order.AppendUint32(append(s.b, body...), n)
}

// option returns an option.
func (s *section) option(code uint16, value string) []byte {
	b := s.order.AppendUint16(s.order.AppendUint16(nil, code), uint16(len(value)))
	return append(append(b, value...), make([]byte, -len(value)&3)...)
}

// words returns 32-bit numbers.
func (s *section) words(all ...uint32) (b []byte) {
	for _, w := range all {
		b = s.order.AppendUint32(b, w)
	}
	return b
}

// begin appends a section header with what Wireshark writes about the machine.
func (s *section) begin() {
	body := s.order.AppendUint16(s.order.AppendUint16(s.words(0x1a2b3c4d), 1), 0)
	s.block(0x0a0d0d0a, append(body, bytes.Repeat([]byte{0xff}, 8)...), s.option(2, "CPU"), s.option(3, "Linux 6.1"), s.option(4, "Dumpcap 4.2"), s.option(1, "a comment of the section"))
}

// iface appends an interface with the resolution of its times.
func (s *section) iface(link uint16, resolution string) {
	body := s.order.AppendUint16(s.order.AppendUint16(nil, link), 0)
	s.block(1, append(body, s.words(0)...), s.option(2, "eth0"), s.option(3, "uplink"), s.option(9, resolution), s.option(11, "\x00pppoed or pppoes"), s.option(12, "Linux 6.1"))
}

// packet appends a packet with a time in units of the interface, and the options of the drafts.
func (s *section) packet(on uint32, time uint64, frame []byte) {
	body := append(s.words(on, uint32(time>>32), uint32(time), uint32(len(frame)), uint32(len(frame))), frame...)
	s.block(6, body, s.option(2, "\x00\x00\x00\x01"), s.option(1, "first"), s.option(3, "\x02\xaa\xbb\xcc\xdd"), s.option(4, strings.Repeat("\x00", 8)),
		s.option(5, "12345678"), s.option(6, "\x00\x00\x00\x02"), s.option(7, "\x01\x00\x00\x00\x00\x00\x00\x00\x01"), s.option(2988, "\x00\x00\x7d\xd9custom"), s.option(1, "second"))
}

// others appends blocks that are not of packets: names, statistics, secrets of TLS, a journal's entry, custom and
// unknown ones.
func (s *section) others() {
	names := append(s.order.AppendUint16(s.order.AppendUint16(nil, 1), 11), 192, 0, 2, 1, 'b', 'r', 'a', 's', '-', '1', 0, 0)
	s.block(4, append(names, 0, 0, 0, 0), s.option(2, "dns.example.net"), s.option(3, "\xc0\x00\x02\x35"))
	s.block(5, s.words(0, 1, 2), s.option(1, "Counters"), s.option(4, "\x00\x00\x00\x00\x00\x00\x00\x09"), s.option(5, "\x00\x00\x00\x00\x00\x00\x00\x00"))
	s.block(10, append(s.words(0x544c534b, 4), "key\n"...))
	s.block(9, []byte("MESSAGE=x\n"))
	s.block(0xbad, append(s.words(32473), "custom"...))
	s.block(0x12345, []byte("unknown"))
}

// TestPcapng reads what Wireshark and others write: sections of both byte orders in one file, names, statistics and other
// blocks between packets, options of packets, times in nanoseconds, milliseconds and microseconds.
func TestPcapng(t *testing.T) {
	var file []byte
	for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
		s := &section{order: order}
		s.begin()
		s.iface(1, "\x09")
		s.others()
		s.iface(276, "\x03")
		s.iface(113, "\x06")
		s.packet(0, uint64(at.UnixNano())+7, ether)
		s.others()
		s.packet(1, uint64(at.UnixMilli()), sll2)
		s.packet(2, uint64(at.UnixMicro()), sll)
		s.others()
		file = append(file, s.b...)
	}
	r, err := Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		want := []time.Time{at.Add(7), at.Truncate(time.Millisecond), at}[i%3]
		p, err := r.Next()
		if err != nil {
			t.Fatalf("packet %d: %v", i+1, err)
		}
		if !p.Time.Equal(want) || strings.Join(p.Comments, ", ") != "first, second" || p.Link != []LinkType{LinkEthernet, LinkSLL2, LinkSLL}[i%3] {
			t.Errorf("packet %d: %+v, want the time %v", i+1, p, want)
		}
		if frame, _, ok := p.Ethernet(); !ok || !bytes.Equal(frame[12:], ether[12:]) {
			t.Errorf("packet %d: % x", i+1, frame)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last packet: %v", err)
	}
}

// TestBinaryResolution: times in negative powers of two of a second (if_tsresol with the highest bit).
func TestBinaryResolution(t *testing.T) {
	for exponent := range maxBinaryExponent + 1 {
		s := &section{order: binary.LittleEndian}
		s.begin()
		s.iface(1, string([]byte{0x80 | byte(exponent)}))
		perSecond := uint64(1) << exponent
		all := []uint64{0, 1, perSecond / 3, perSecond / 2, perSecond - 1}
		for _, ticks := range all {
			s.packet(0, uint64(at.Unix())*perSecond+ticks, ether)
		}
		r, err := Open(bytes.NewReader(s.b))
		if err != nil {
			t.Fatal(err)
		}
		for _, ticks := range all {
			want := time.Unix(at.Unix(), int64(ticks*uint64(time.Second)/perSecond))
			if p, err := r.Next(); err != nil || !p.Time.Equal(want) {
				t.Errorf("2^-%d s, tick %d: %v, %v, want %v", exponent, ticks, p.Time, err, want)
			}
		}
	}
}

// TestSimplePackets: packets without times, and those of the first versions of the format.
func TestSimplePackets(t *testing.T) {
	s := &section{order: binary.LittleEndian}
	s.begin()
	s.iface(1, "\x06")
	s.block(3, append(s.words(uint32(len(ether))), ether...))
	old := append(s.order.AppendUint16(s.order.AppendUint16(nil, 0), 0xffff), s.words(0, 1, uint32(len(ether)), uint32(len(ether)))...)
	s.block(2, append(old, ether...))
	s.packet(0, uint64(at.UnixMicro()), ether)
	r, err := Open(bytes.NewReader(s.b))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		p, err := r.Next()
		if err != nil {
			t.Fatalf("packet %d: %v", i+1, err)
		}
		if frame, _, ok := p.Ethernet(); !ok || !bytes.Equal(frame, ether) || p.Time.IsZero() != (i == 0) {
			t.Errorf("packet %d at %v: % x", i+1, p.Time, frame)
		}
	}
}
