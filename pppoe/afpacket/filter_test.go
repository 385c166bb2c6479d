package afpacket

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// TestFilter runs the filters on frames for us, broadcasts, for others, from ourselves, of other
// ethertypes, and truncated ones.
func TestFilter(t *testing.T) {
	own := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	other := wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	near := wire.Addr{2, 0, 0x5e, 0, 0x53, 0xff}
	for _, c := range []struct {
		what               string
		dst, src           wire.Addr
		etherType          uint16
		discovery, session bool
	}{
		{"discovery for us", own, other, 0x8863, true, false},
		{"discovery for all", wire.Broadcast, other, 0x8863, true, false},
		{"a session frame for us", own, other, 0x8864, false, true},
		{"a session frame for all", wire.Broadcast, other, 0x8864, false, false},
		{"discovery for a group that begins like all", wire.Addr{0xff, 0xff, 0xff, 0xff, 0, 1}, other, 0x8863, false, false},
		{"a session frame for a group", wire.Addr{0x33, 0x33, 0, 0, 0, 1}, other, 0x8864, false, false},
		{"discovery for a station that differs from us in the first octet", wire.Addr{6, 0, 0x5e, 0, 0x53, 1}, other, 0x8863, false, false},
		{"a session frame for another station", near, other, 0x8864, false, false},
		{"discovery for another station", near, other, 0x8863, false, false},
		{"our own frame come back", own, own, 0x8863, false, false},
		{"our own broadcast come back", wire.Broadcast, own, 0x8863, false, false},
		{"from a station that differs from us in the last octet", own, near, 0x8864, false, true},
		{"IPv4 for us", own, other, 0x0800, false, false},
	} {
		frame := append(append(append([]byte(nil), c.dst[:]...), c.src[:]...), 0, 0, 0x11, 9)
		binary.BigEndian.PutUint16(frame[12:], c.etherType)
		for _, f := range []struct {
			etherType uint16
			want      bool
		}{{wire.EtherTypeDiscovery, c.discovery}, {wire.EtherTypeSession, c.session}} {
			if got := passes(t, own, f.etherType, frame); got != f.want {
				t.Errorf("%s: filter for %#x passes it: %v, want %v", c.what, f.etherType, got, f.want)
			}
			for n := range 14 {
				if passes(t, own, f.etherType, frame[:n]) {
					t.Errorf("%s: filter passes %d octets of it", c.what, n)
				}
			}
		}
	}
}

// TestPrefixFilter: with a prefix, frames for all addresses that have it pass, and frames from them
// do not.
func TestPrefixFilter(t *testing.T) {
	own := wire.Addr{2, 0, 0x5e, 0xab, 0xcd, 0xe0}
	for _, bits := range []int{8, 24, 31, 32, 33, 44, 48} {
		filter := filterFor(Attachment{Source: own, SourcePrefix: bits}, wire.EtherTypeDiscovery)(station{own, ourIndex})
		trunk := anyTrunk(Attachment{Source: own, SourcePrefix: bits}, wire.EtherTypeDiscovery)(station{own, ourIndex})
		for bit := range 48 {
			addr := own
			addr[bit/8] ^= 0x80 >> (bit % 8)
			for _, frame := range [][]byte{
				append(append(addr[:], 6, 0, 0x5e, 0, 0x53, 2), 0x88, 0x63, 0x11, 9), // for addr
				append(append(wire.Broadcast[:], addr[:]...), 0x88, 0x63, 0x11, 9),   // from addr
			} {
				ours := bit >= bits
				want := ours == (frame[0] != 0xff)
				if got := runs(t, filter, frame, vlan.Tag{}, 0, ourIndex); got != want {
					t.Errorf("/%d: a port passes % x: %v", bits, frame, got)
				}
				if got := runs(t, trunk, frame, vlan.Tag{}, 0, ourIndex); got != want {
					t.Errorf("/%d: a trunk passes % x: %v", bits, frame, got)
				}
			}
		}
	}
}

// passes runs the filter of an untagged port.
func passes(t *testing.T, own wire.Addr, etherType uint16, frame []byte) bool {
	t.Helper()
	filter := filterFor(Attachment{}, etherType)(station{own, ourIndex})
	if runs(t, filter, frame, vlan.Tag{}, 0, ourIndex+1) {
		t.Errorf("% x passes, though it was handed on to another interface", frame)
	}
	return runs(t, filter, frame, vlan.Tag{}, 0, ourIndex)
}

// ourIndex is the index of the port's interface.
const ourIndex = 7

// TestTaggedFilter runs the filters of ports and of a trunk on frames whose outer tag the kernel
// has removed, or that had none.
func TestTaggedFilter(t *testing.T) {
	own, other := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}, wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	for _, c := range []struct {
		off    vlan.Tag // zero: none
		inBand vlan.Stack
		ports  string // ports that receive the frame, in addition to the trunk
	}{
		{vlan.Tag{}, vlan.Stack{}, "untagged 0"},
		{vlan.Tag{TPID: 0x8100, VID: 0}, vlan.Stack{}, "0"},
		{vlan.Tag{TPID: 0x8100, VID: 50}, vlan.Stack{}, "50"},
		{vlan.Tag{TPID: 0x8100, VID: 50 | 7<<13 | 1<<12}, vlan.Stack{}, "50"},
		{vlan.Tag{TPID: 0x8100, VID: 51}, vlan.Stack{}, ""},
		{vlan.Tag{TPID: 0x88a8, VID: 50}, vlan.Stack{}, ""},
		{vlan.Tag{TPID: 0x88a8, VID: 50}, vlan.Stack{{TPID: 0x8100, VID: 100}}, "50.100"},
		{vlan.Tag{TPID: 0x88a8, VID: 50}, vlan.Stack{{TPID: 0x8100, VID: 100 | 6<<13}}, "50.100"},
		{vlan.Tag{TPID: 0x88a8, VID: 50}, vlan.Stack{{TPID: 0x8100, VID: 101}}, ""},
		{vlan.Tag{TPID: 0x88a8, VID: 51}, vlan.Stack{{TPID: 0x8100, VID: 100}}, ""},
		{vlan.Tag{TPID: 0x8100, VID: 50}, vlan.Stack{{TPID: 0x8100, VID: 100}}, ""},
		{vlan.Tag{}, vlan.Stack{{TPID: 0x9100, VID: 7}}, "0x9100:7"},
		{vlan.Tag{}, vlan.Stack{{TPID: 0x9100, VID: 8}}, ""},
		{vlan.Tag{TPID: 0x8100, VID: 3}, vlan.Stack{{TPID: 0x9100, VID: 7}}, ""},
	} {
		for _, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
			frame := c.inBand.Append(append(append([]byte(nil), own[:]...), other[:]...), 0)
			frame = append(binary.BigEndian.AppendUint16(frame, etherType), 0x11, 9)
			const incoming = 0
			passes := func(filter func(station) []bpf.Instruction) bool {
				if runs(t, filter(station{own, ourIndex}), frame, c.off, outgoing, ourIndex) {
					t.Errorf("%v, %v: passes on its way out", c.off, c.inBand)
				}
				return runs(t, filter(station{own, ourIndex}), frame, c.off, incoming, ourIndex)
			}
			for _, port := range []string{"0", "50", "50.100", "0x9100:7"} {
				s, err := vlan.Parse(port)
				if err != nil {
					t.Fatal(err)
				}
				want := slices.Contains(strings.Fields(c.ports), port)
				if got := passes(filterFor(Attachment{VLAN: s}, etherType)); got != want {
					t.Errorf("%v, %v, %#x: the filter for %s passes it: %v", c.off, c.inBand, etherType, port, got)
				}
				if passes(filterFor(Attachment{VLAN: s}, etherType^7)) {
					t.Errorf("%v, %v, %#x: the filter for %s and %#x passes it", c.off, c.inBand, etherType, port, etherType^7)
				}
			}
			// A port with a source address of its own uses a socket for all ethertypes, too.
			if got, want := passes(filterFor(Attachment{Source: own}, etherType)), strings.HasPrefix(c.ports, "untagged"); got != want {
				t.Errorf("%v, %v, %#x: the filter for untagged frames passes it: %v", c.off, c.inBand, etherType, got)
			}
			if !passes(anyTrunk(Attachment{}, etherType)) || passes(anyTrunk(Attachment{}, etherType^7)) {
				t.Errorf("%v, %v, %#x: the trunk does not pass it by its ethertype", c.off, c.inBand, etherType)
			}
		}
	}
}

// runs reports whether a filter passes a frame with a removed tag, or none, on an interface.
// Package bpf's virtual machine does not support that metadata.
func runs(t *testing.T, program []bpf.Instruction, frame []byte, tag vlan.Tag, packetType, index uint32) bool {
	t.Helper()
	known := map[bpf.Extension]uint32{
		bpf.ExtVLANTagPresent: 0, bpf.ExtVLANTag: uint32(tag.VID), bpf.ExtVLANProto: uint32(tag.TPID),
		bpf.ExtType: packetType, bpf.ExtInterfaceIndex: index,
	}
	if tag.TPID != 0 {
		known[bpf.ExtVLANTagPresent] = 1
	}
	program = slices.Clone(program)
	for i, in := range program {
		if load, ok := in.(bpf.LoadExtension); ok {
			program[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: known[load.Num]}
		}
	}
	if _, err := bpf.Assemble(program); err != nil {
		t.Fatal(err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}
