package afpacket

import (
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"

	"upppoe/pppoe"
)

// TestFilter runs the filters on frames for us, for all, for others, from
// ourselves, of other ethertypes, and too short.
func TestFilter(t *testing.T) {
	own := pppoe.Addr{2, 0, 0x5e, 0, 0x53, 1}
	other := pppoe.Addr{2, 0, 0x5e, 0, 0x53, 2}
	near := pppoe.Addr{2, 0, 0x5e, 0, 0x53, 0xff}
	for _, c := range []struct {
		what               string
		dst, src           pppoe.Addr
		etherType          uint16
		discovery, session bool
	}{
		{"discovery for us", own, other, 0x8863, true, false},
		{"discovery for all", pppoe.Broadcast, other, 0x8863, true, false},
		{"a session frame for us", own, other, 0x8864, false, true},
		{"a session frame for all", pppoe.Broadcast, other, 0x8864, false, false},
		{"discovery for a group that begins like all", pppoe.Addr{0xff, 0xff, 0xff, 0xff, 0, 1}, other, 0x8863, false, false},
		{"a session frame for a group", pppoe.Addr{0x33, 0x33, 0, 0, 0, 1}, other, 0x8864, false, false},
		{"discovery for a station that differs from us in the first octet", pppoe.Addr{6, 0, 0x5e, 0, 0x53, 1}, other, 0x8863, false, false},
		{"a session frame for somebody else", near, other, 0x8864, false, false},
		{"discovery for somebody else", near, other, 0x8863, false, false},
		{"our own frame come back", own, own, 0x8863, false, false},
		{"our own broadcast come back", pppoe.Broadcast, own, 0x8863, false, false},
		{"from a station that differs from us in the last octet", own, near, 0x8864, false, true},
		{"IPv4 for us", own, other, 0x0800, false, false},
	} {
		frame := append(append(append([]byte(nil), c.dst[:]...), c.src[:]...), 0, 0, 0x11, 9)
		binary.BigEndian.PutUint16(frame[12:], c.etherType)
		for _, f := range []struct {
			etherType uint16
			want      bool
		}{{pppoe.EtherTypeDiscovery, c.discovery}, {pppoe.EtherTypeSession, c.session}} {
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

func passes(t *testing.T, own pppoe.Addr, etherType uint16, frame []byte) bool {
	t.Helper()
	raw, err := bpf.Assemble(filterFor(Line{}, etherType)(own))
	if err != nil {
		t.Fatal(err)
	}
	program, ok := bpf.Disassemble(raw)
	if !ok {
		t.Fatal("the filter has an instruction that is not known")
	}
	for i, in := range program {
		// Package bpf's machine does not know of VLAN tags and packet types: here
		// are none, and type 0, for this host.
		if _, vlan := in.(bpf.LoadExtension); vlan {
			program[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: 0}
		}
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
