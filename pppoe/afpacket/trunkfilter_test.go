package afpacket

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

var trunkAddr, hostAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}, wire.Addr{2, 0, 0x5e, 0, 0x53, 2}

// anyTrunk is the filter of a trunk of all VLANs.
func anyTrunk(a Attachment, etherType uint16) func(station) []bpf.Instruction {
	return func(s station) []bpf.Instruction { return trunkFilter(s, a.stationMask(), vlan.Any(), etherType) }
}

// trunkPasses runs the filter of a trunk on a discovery frame with tags, of which the kernel has
// removed the outer one if it may. It ends the test if the session filter differs.
func trunkPasses(t *testing.T, set vlan.Set, tags vlan.Stack, priority uint8) bool {
	t.Helper()
	var results [2]bool
	for i, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
		var removed vlan.Tag
		inBand := tags
		if stripped(tags[0].TPID) {
			removed, inBand = tags[0], vlan.Stack{tags[1]}
			removed.VID |= uint16(priority) << 13
		}
		frame := inBand.Append(append(append([]byte(nil), trunkAddr[:]...), hostAddr[:]...), priority)
		frame = append(binary.BigEndian.AppendUint16(frame, etherType), 0x11, 9)
		program := trunkFilter(station{trunkAddr, ourIndex}, wire.Broadcast, set, etherType)
		results[i] = runs(t, program, frame, removed, 0, ourIndex)
		if runs(t, program, frame, removed, outgoing, ourIndex) {
			t.Fatalf("%v passes on its way out", tags)
		}
		if other := trunkFilter(station{hostAddr, ourIndex}, wire.Broadcast, set, etherType); runs(t, other, frame, removed, 0, ourIndex) {
			t.Fatalf("%v passes another station's filter", tags)
		}
	}
	if results[0] != results[1] {
		t.Fatalf("%v passes as discovery: %v, as session frame: %v", tags, results[0], results[1])
	}
	return results[0]
}

// TestTrunkFilter: a trunk receives exactly the VLANs of its set, with any priority; a priority tag
// is no VLAN.
func TestTrunkFilter(t *testing.T) {
	stacks := []vlan.Stack{{}}
	for _, text := range strings.Fields("0 1 2 9 10 11 50 99 100 101 4094 0x88a8:50 0x9100:50 50.100 50.101 50.0 0.50 51.100 100.1 150.7 199.4094 200.1 0x8100:50.100 0x9100:7.8 7.0x9100:8") {
		s, err := vlan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		stacks = append(stacks, s)
	}
	for _, text := range []string{
		"untagged", "1-4094", "untagged,1-4094", "0-50", "100-199.1-4094", "50,100-101,50.100,0x9100:50", "10-11,99,1,2,4094,9",
		"any", "0x9100:7.1-9,0x88a8:50", "50.0-100,0.50", "1-60.100,50-150.7-101",
	} {
		set, err := vlan.ParseSet(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, tags := range stacks {
			belongs := tags
			if tags == (vlan.Stack{{TPID: vlan.CTag}}) {
				belongs = vlan.Stack{}
			}
			for _, priority := range []uint8{0, 5} {
				if got := trunkPasses(t, set, tags, priority); got != set.Contains(belongs) {
					t.Errorf("%s: %v passes: %v", text, tags, got)
				}
			}
		}
	}
}

// TestTrunkFilterSize: a set that needs too many instructions is left to the program.
func TestTrunkFilterSize(t *testing.T) {
	var odd []string
	for vid := 1; vid < 4094; vid += 2 {
		odd = append(odd, fmt.Sprint(vid))
	}
	for n, exact := range map[int]bool{1: true, 60: true, len(odd): false} {
		set, err := vlan.ParseSet(strings.Join(odd[:n], ",") + ",5.5")
		if err != nil {
			t.Fatal(err)
		}
		if !trunkPasses(t, set, vlan.Stack{{TPID: vlan.CTag, VID: uint16(2*n - 1)}}, 0) {
			t.Errorf("%d ranges: the last does not pass", n)
		}
		if got := trunkPasses(t, set, vlan.Stack{{TPID: vlan.CTag, VID: 2}}, 0); got == exact {
			t.Errorf("%d ranges: another passes: %v", n, got)
		}
		if n := len(trunkFilter(station{}, wire.Broadcast, set, wire.EtherTypeDiscovery)); n > maxFilter {
			t.Errorf("a filter has %d instructions", n)
		}
	}
}

// TestTrunkFilterTags: frames with three tags, or truncated ones, do not pass.
func TestTrunkFilterTags(t *testing.T) {
	program := trunkFilter(station{trunkAddr, ourIndex}, wire.Broadcast, vlan.Any(), wire.EtherTypeDiscovery)
	tags := vlan.Stack{{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}
	frame := tags.Append(append(append([]byte(nil), trunkAddr[:]...), hostAddr[:]...), 0)
	frame = binary.BigEndian.AppendUint16(frame, wire.EtherTypeDiscovery)
	if !runs(t, program, frame, vlan.Tag{}, 0, ourIndex) {
		t.Error("two tags do not pass")
	}
	if runs(t, program, frame, vlan.Tag{TPID: vlan.CTag, VID: 7}, 0, ourIndex) {
		t.Error("three tags pass")
	}
	for n := range frame {
		if runs(t, program, frame[:n], vlan.Tag{}, 0, ourIndex) {
			t.Errorf("the first %d octets pass", n)
		}
	}
}
