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
	testSession = datapath.Key{SessionID: 0x0102, Local: wire.Addr{2, 0, 0, 0, 0, 1}, Peer: wire.Addr{2, 0, 0, 0, 0, 2}}
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
		{"header, no tag", testHeader(vlan.Stack{}, 5), "020000000002020000000001" + "88641100010200000000"},
		{"header, one tag", testHeader(oneTag, 5), "020000000002020000000001" + "8100a007" + "88641100010200000000"},
		{"header, two tags", testHeader(twoTags, 7), "020000000002020000000001" + "88a8effe" + "8100e007" + "88641100010200000000"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	i := &Interface{engine: newEngine(Config{}), slot: 3}
	s := &session{Key: testSession, at: i, device: &device{index: 9, segmentUDP: segmentUDP}, slot: 70000, flags: openIPv4 | openIPv6, change: 5}
	i.sessions.Put(s)
	for _, tags := range []vlan.Stack{{}, oneTag, twoTags} {
		s.VLAN = tags
		h := appendHeader(nil, &s.Key, 0)
		want := nativeHex(4, 70000) + nativeHex(4, 9) + nativeHex(4, 3) + nativeHex(2, 0xffff) + nativeHex(2, 1|2|4|8) + "020000000001" +
			nativeHex(2, uint32(22+4*tags.Depth())) + nativeHex(4, 5) + hex.EncodeToString(make([]byte, 4+32-len(h))) + hex.EncodeToString(h)
		if got := hex.EncodeToString(s.value()); got != want {
			t.Errorf("session, %v: %s, want %s", tags, got, want)
		}
	}
	for _, c := range []struct{ prefix, want string }{
		{"192.0.2.0/24", nativeHex(4, 32+24) + nativeHex(4, 9) + "c0000200"},
		{"2001:db8::/32", nativeHex(4, 32+32) + nativeHex(4, 9) + "20010db8000000000000000000000000"},
	} {
		if _, got := i.engine.prefixMap(9, netip.MustParsePrefix(c.prefix)); hex.EncodeToString(got) != c.want {
			t.Errorf("%s: %x, want %s", c.prefix, got, c.want)
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

func testHeader(tags vlan.Stack, priority uint8) string {
	k := testSession
	k.VLAN = tags
	return hex.EncodeToString(appendHeader(nil, &k, priority))
}

// TestSessionState: what the maps say of a session in each state of its device.
func TestSessionState(t *testing.T) {
	const open = openIPv4 | openIPv6
	i := &Interface{engine: newEngine(Config{})}
	for _, c := range []struct {
		name  string
		on    device
		flags uint16
		mtu   uint16
		want  uint16
	}{
		{"own device", device{}, open, 0xffff, open},
		{"source check", device{}, open | checkSource, 0xffff, open | checkSource},
		{"UDP segmentation", device{segmentUDP: segmentUDP}, openIPv6, 0xffff, openIPv6 | segmentUDP},
		{"shaped", device{shaper: "tbf"}, open, 0, open},
		{"filters", device{filtered: true}, open, 0, open},
		{"promiscuous", device{promiscuous: true}, open | rateLimited, 0xffff, rateLimited},
		{"shared", device{shared: true}, open | isolate, 0xffff, open | isolate | sharedDevice | checkSource},
		{"a prefix is missing", device{shared: true, incomplete: true}, open, 0xffff, sharedDevice | checkSource},
	} {
		s := &session{Key: testSession, at: i, device: &c.on, flags: c.flags}
		if got := s.currentFlags(); got != c.want || s.currentMTU() != c.mtu {
			t.Errorf("%s: flags %#x, MTU %d; want %#x, %d", c.name, got, s.currentMTU(), c.want, c.mtu)
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
