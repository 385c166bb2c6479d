package ebpf

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// nativeHex returns a number as programs read it from memory, in hexadecimal.
func nativeHex(octets int, n uint32) string {
	b := binary.NativeEndian.AppendUint32(nil, n)
	if octets == 2 {
		b = binary.NativeEndian.AppendUint16(nil, uint16(n))
	}
	return hex.EncodeToString(b)
}

var (
	oneTag      = vlan.Stack{{TPID: 0x8100, VID: 7}}
	twoTags     = vlan.Stack{{TPID: 0x88a8, VID: 0xffe}, {TPID: 0x8100, VID: 7}}
	testSession = datapath.SessionConfig{Key: datapath.Key{SessionID: 0x0102, Local: wire.Addr{2, 0, 0, 0, 0, 1}, Peer: wire.Addr{2, 0, 0, 0, 0, 2}}}
)

// TestLayout: keys and values of the maps, octet by octet.
func TestLayout(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want string
	}{
		{"key, no tag", key(vlan.Stack{}), "0200000000020102" + "0000000000000000"},
		{"key, one tag", key(oneTag), "0200000000020102" + "8100" + nativeHex(2, 7) + "00000000"},
		{"key, two tags", key(twoTags), "0200000000020102" + "88a8" + nativeHex(2, 0xffe) + "8100" + nativeHex(2, 7)},
		{"header, no tag", hex.EncodeToString(header(testSession, vlan.Stack{}, 5)), "020000000002020000000001" + "88641100010200000000"},
		{"header, one tag", hex.EncodeToString(header(testSession, oneTag, 5)), "020000000002020000000001" + "8100a007" + "88641100010200000000"},
		{"header, two tags", hex.EncodeToString(header(testSession, twoTags, 7)), "020000000002020000000001" + "88a8effe" + "8100e007" + "88641100010200000000"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	s := &session{SessionConfig: testSession, device: 9, slot: 70000, open: openIPv4 | openIPv6, segmentUDP: segmentUDP, unambiguous: unambiguous}
	if got, want := hex.EncodeToString(s.receiveValue()), nativeHex(4, 9)+nativeHex(4, 70000)+"020000000001"+nativeHex(2, 1|2|8)+"00000000"; got != want {
		t.Errorf("from the wire: %s, want %s", got, want)
	}
	s.sourceFiltered, s.source = true, netip.MustParseAddr("192.0.2.10")
	if got, want := hex.EncodeToString(s.receiveValue()), nativeHex(4, 9)+nativeHex(4, 70000)+"020000000001"+nativeHex(2, 1|8|16)+"c000020a"; got != want {
		t.Errorf("from the wire, with one source: %s, want %s", got, want)
	}
	for _, tags := range []vlan.Stack{{}, oneTag, twoTags} {
		s.header = header(testSession, tags, 0)
		padding := hex.EncodeToString(make([]byte, 32-len(s.header)))
		want := nativeHex(4, 70000) + nativeHex(2, 1|2|4) + nativeHex(2, uint32(22+4*tags.Depth())) + padding + hex.EncodeToString(s.header)
		if got := hex.EncodeToString(s.transmitValue()); got != want {
			t.Errorf("to the wire, %v: %s, want %s", tags, got, want)
		}
	}
	if !slices.Equal(headerLens, []int32{22, 26, 30}) || countersLen != binary.Size(sessionCounters{}) {
		t.Errorf("headers of %d octets, counters of %d", headerLens, countersLen)
	}
}

func key(tags vlan.Stack) string {
	k := receiveKey(testSession.Peer, testSession.SessionID, tags)
	return hex.EncodeToString(k[:])
}

// TestReceiveFlags: a family whose sources the programs cannot check is left to user space.
func TestReceiveFlags(t *testing.T) {
	source := netip.MustParseAddr("192.0.2.10")
	for _, c := range []struct {
		ipv4, ipv6, guarded bool
		source              netip.Addr
		want                uint16
	}{
		{false, false, false, netip.Addr{}, 0},
		{true, false, false, netip.Addr{}, 1},
		{false, true, false, netip.Addr{}, 2},
		{true, true, false, netip.Addr{}, 3},
		{true, true, false, source, 3},
		{true, true, true, netip.Addr{}, 0},
		{true, true, true, source, 1 | 16},
		{false, true, true, source, 16},
	} {
		s := &session{open: families(c.ipv4, c.ipv6), sourceFiltered: c.guarded, source: c.source}
		if got := s.receiveFlags(); got != c.want {
			t.Errorf("%+v: %#x", c, got)
		}
	}
}

// TestByteOrder: numbers in instructions equal octets in network byte order.
func TestByteOrder(t *testing.T) {
	if got := binary.NativeEndian.AppendUint16(nil, uint16(networkOrder(0x8864))); !slices.Equal(got, []byte{0x88, 0x64}) {
		t.Errorf("0x8864 is %x in memory", got)
	}
	if got := binary.NativeEndian.AppendUint32(nil, uint32(wireWord(0x88641100))); !slices.Equal(got, []byte{0x88, 0x64, 0x11, 0}) {
		t.Errorf("0x88641100 is %x in memory", got)
	}
	if got := networkOrder(0x00ff); got < 0 || got > 0xffff {
		t.Errorf("a half becomes %#x", got)
	}
}

// TestKernelConstants: IANA's protocol numbers, and which IPv6 headers a transport header may
// follow (IANA, IPv6 extension header types; RFC 8200 section 4).
func TestKernelConstants(t *testing.T) {
	if want := []int32{0, 43, 44, 51, 60, 135, 139, 140}; !slices.Equal(extensionHeaders, want) {
		t.Errorf("extension headers %d, want %d", extensionHeaders, want)
	}
	if protocolTCP != 6 || protocolUDP != 17 {
		t.Errorf("TCP is %d, UDP is %d", protocolTCP, protocolUDP)
	}
	if tcxNext != -1 || tcActShot != 2 || tcActRedirect != 7 {
		t.Errorf("verdicts %d, %d, %d; want -1, 2, 7 (linux/bpf.h)", tcxNext, tcActShot, tcActRedirect)
	}
}
