package ebpf

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"upppoe/internal/roottest"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// testMaps returns an interface with maps and without attachments.
func testMaps(t testing.TB) *Interface {
	t.Helper()
	return testMapsOf(t, 4)
}

func testMapsOf(t testing.TB, sessions int) *Interface {
	t.Helper()
	roottest.Need(t)
	e := newEngine(Config{Sessions: sessions, noPair: true})
	if err := e.createMaps(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	i := e.newInterface(ethernet)
	i.index = 1
	var err error
	if i.received, err = newReceivedMap(sessions); err != nil {
		t.Fatal(err)
	}
	if err := e.register(i); err != nil {
		t.Fatal(err)
	}
	if err := i.write(); err != nil {
		t.Fatal(err)
	}
	return i
}

// testSessionOn adds a session with addrs[1] to the maps, whose device exists only there.
func (i *Interface) testSessionOn(t testing.TB, d *device, id uint16) *session {
	t.Helper()
	return i.testSessionOf(t, d, datapath.SessionConfig{Key: datapath.Key{SessionID: id, Local: addrs[0], Peer: addrs[1]}})
}

func (i *Interface) testSessionOf(t testing.TB, d *device, c datapath.SessionConfig) *session {
	t.Helper()
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	if d.engine == nil {
		d.engine, i.engine.devices[d.index] = i.engine, d
		d.attached = new(hookless)
	}
	s := (&Link{at: i}).newSession(c)
	s.device = d
	slot, used, _ := i.engine.slots.allocate()
	s.slot, s.change = slot, 1
	i.engine.setSlot(s.slot, s)
	d.take(s)
	if err := s.addToMaps(used); err != nil {
		t.Fatal(err)
	}
	return s
}

// hookless is the attachment of a device that does not exist.
type hookless struct{}

func (*hookless) Close() error { return nil }

// verdict is what becomes of a received frame.
type verdict int

const (
	left verdict = iota // to user space
	carried
	spoofed
	isolated
)

// checks are what a received frame is checked against.
type checks struct {
	open     uint16
	from     []netip.Prefix // nil: any source
	shared   bool
	isolated []netip.Prefix // prefixes of another session
}

// want does what the programs do, in Go: it returns what becomes of a frame, and how many octets
// count.
func (c *checks) want(f []byte) (length int, v verdict) {
	if len(f) < 42 || wire.Addr(f) != addrs[0] || wire.Addr(f[6:]) != addrs[1] {
		return 0, left
	}
	if !bytes.Equal(f[12:18], []byte{0x88, 0x64, 0x11, 0, 1, 2}) {
		return 0, left
	}
	room := int(binary.BigEndian.Uint16(f[18:])) - 2
	if room < 20 || 22+room > len(f) {
		return 0, left
	}
	ip, transport, protocol := f[22:], 0, byte(0)
	switch binary.BigEndian.Uint16(f[20:]) {
	case 0x21:
		length, transport, protocol = int(binary.BigEndian.Uint16(ip[2:])), int(ip[0]&15)*4, ip[9]
		if c.open&openIPv4 == 0 || ip[0]>>4 != 4 || transport < 20 || length < transport {
			return 0, left
		}
		if binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
			protocol = 0
		}
	case 0x57:
		length, transport, protocol = 40+int(binary.BigEndian.Uint16(ip[4:])), 40, ip[6]
		if c.open&openIPv6 == 0 || ip[0]>>4 != 6 || slices.Contains(extensionHeaders, int32(protocol)) {
			return 0, left
		}
	default:
		return 0, left
	}
	if length > room {
		return 0, left
	}
	if protocol == protocolTCP && (len(ip) < transport+14 || ip[transport+13]&2 != 0) {
		return 0, left
	}
	return room, c.wantAddresses(ip)
}

func (c *checks) wantAddresses(ip []byte) verdict {
	source, destination := netip.Addr{}, netip.Addr{}
	if ip[0]>>4 == 4 {
		source, _ = netip.AddrFromSlice(ip[12:16])
		destination, _ = netip.AddrFromSlice(ip[16:20])
	} else {
		source, _ = netip.AddrFromSlice(ip[8:24])
		destination, _ = netip.AddrFromSlice(ip[24:40])
	}
	in := func(a netip.Addr, all []netip.Prefix) bool {
		return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	switch {
	case c.from == nil:
		return carried
	case source.Is6() && (source.IsLinkLocalUnicast() || source.IsUnspecified()):
		return left
	case source.Is6() && c.shared && (destination.IsLinkLocalUnicast() || destination.IsMulticast()):
		return left
	case !in(source, c.from):
		return spoofed
	case in(destination, c.isolated):
		return isolated
	}
	return carried
}

// Addresses of random frames.
var (
	addresses4 = []string{"10.0.0.1", "10.0.1.7", "192.0.2.9", "192.0.2.77", "10.9.0.5"}
	addresses6 = []string{"fd00::1", "fe80::1", "::", "2001:db8:1:2::5", "ff02::1", "fd09::5"}
)

func randomAddress(r *rand.Rand, all []string) []byte {
	return netip.MustParseAddr(all[r.IntN(len(all))]).AsSlice()
}

// randomFrame returns a frame that is valid or nearly so.
func randomFrame(r *rand.Rand) []byte {
	f := append(append([]byte{}, addrs[0][:]...), addrs[1][:]...)
	f = append(f, 0x88, 0x64, 0x11, 0, 1, 2, 0, 0, 0, 0x21)
	payload := make([]byte, r.IntN(40))
	for i := range payload {
		payload[i] = byte(r.Uint32())
	}
	protocol := []byte{1, 6, 6, 6, 17, 58, 0, 44, 43, 60}[r.IntN(10)]
	if protocol == 6 && len(payload) > 13 {
		payload[13] = []byte{0x10, 0x10, 0x18, 0x02, 0x12, 0x11}[r.IntN(6)]
	}
	var ip []byte
	if r.IntN(2) == 0 {
		options := 4 * max(0, r.IntN(14)-10)
		ip = append([]byte{0x45 + byte(options/4), 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0}, randomAddress(r, addresses4)...)
		ip = append(append(ip, randomAddress(r, addresses4)...), make([]byte, options)...)
		if r.IntN(4) == 0 {
			binary.BigEndian.PutUint16(ip[6:], uint16(r.Uint32()))
		}
		ip = append(ip, payload...)
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	} else {
		f[21] = 0x57
		ip = append([]byte{0x60, 0, 0, 0, 0, byte(len(payload)), protocol, 64}, randomAddress(r, addresses6)...)
		ip = append(append(ip, randomAddress(r, addresses6)...), payload...)
	}
	binary.BigEndian.PutUint16(f[18:], uint16(2+len(ip)))
	f = append(f, ip...)
	switch r.IntN(8) {
	case 0: // padding
		f = append(f, make([]byte, r.IntN(50))...)
	case 1: // too short
		f = f[:14+r.IntN(len(f)-14)]
	case 2, 3: // some bits
		for range 1 + r.IntN(3) {
			f[r.IntN(min(len(f), 64))] ^= 1 << r.IntN(8)
		}
	case 4: // a length
		at := []int{18, 24, 26}[r.IntN(3)]
		binary.BigEndian.PutUint16(f[at:], binary.BigEndian.Uint16(f[at:])+uint16(r.IntN(5))-2)
	}
	return f
}

func prefixes(all ...string) (p []netip.Prefix) {
	for _, text := range all {
		p = append(p, netip.MustParsePrefix(text))
	}
	return p
}

// TestVerdicts compares the programs with checks.want, on valid and invalid frames: what becomes of
// each, and which counters count it.
func TestVerdicts(t *testing.T) {
	const both = openIPv4 | openIPv6
	some := prefixes("10.0.0.1/32", "192.0.2.0/28", "fd00::/64", "2001:db8:1::/48", "2001:db8:1:2::/64")
	for _, c := range []struct {
		name   string
		checks checks
	}{
		{"any source", checks{open: both}},
		{"IPv4", checks{open: openIPv4}},
		{"IPv6", checks{open: openIPv6}},
		{"no family", checks{}},
		{"some sources", checks{open: both, from: some}},
		{"no source", checks{open: both, from: []netip.Prefix{}}},
		{"shared", checks{open: both, from: some, shared: true}},
		{"isolated", checks{open: both, from: some, shared: true, isolated: prefixes("10.9.0.0/16", "10.0.1.0/24", "fd09::/64")}},
	} {
		for _, program := range []struct {
			name    string
			kind    ebpf.ProgramType
			carried uint32
			dropped uint32
			make    func(*mapFDs) asm.Instructions
		}{
			{"TC", ebpf.SchedCLS, tcActRedirect, tcActShot, receive},
			{"XDP", ebpf.XDP, xdpPass, xdpDrop, receiveXDP},
		} {
			t.Run(c.name+" "+program.name, func(t *testing.T) {
				i := testMaps(t)
				loaded, err := i.engine.hooks.load(program.kind, 0, "test", program.make(i.maps()))
				if err != nil {
					t.Fatal(err)
				}
				s := i.checked(t, c.checks)
				r, out := rand.New(rand.NewPCG(1, 2)), make([]byte, 4096)
				var want datapath.Counters
				for range 5000 {
					f := randomFrame(r)
					length, v := c.checks.want(f)
					count(&want, length, v)
					verdict, err := loaded.Run(&ebpf.RunOptions{Data: f, DataOut: out})
					if err != nil {
						t.Fatalf("%x: %v", f, err)
					}
					stripped := out
					got := map[uint32]bool{program.carried: v == carried, program.dropped: v == spoofed || v == isolated}[verdict]
					if program.kind == ebpf.XDP && verdict == xdpPass { // also for frames that are left
						marked := binary.NativeEndian.Uint32(out) == metadataMagic
						got, stripped = marked == (v == carried) && v <= carried, out[metadataLen:]
					} else if v == left {
						got = verdict != program.carried && verdict != program.dropped
					}
					if !got {
						t.Fatalf("verdict %d, want %d: %x", verdict, v, f)
					}
					if v == carried {
						checkStripped(t, f, stripped)
					}
				}
				if got := s.Counters(); got != want {
					t.Errorf("counted %+v, want %+v", got, want)
				}
			})
		}
	}
}

// checked adds a session with the checks, and another whose prefixes are isolated.
func (i *Interface) checked(t *testing.T, c checks) *session {
	t.Helper()
	d := &device{index: 7, shared: c.shared}
	s := i.testSessionOn(t, d, 0x0102)
	if c.from != nil {
		if err := s.setSources(c.from); err != nil {
			t.Fatal(err)
		}
	}
	if c.isolated != nil {
		other := i.testSessionOn(t, d, 0x0103)
		if err := other.setSources(c.isolated); err != nil {
			t.Fatal(err)
		}
		s.flags |= isolate
	}
	s.SetFamilies(c.open&openIPv4 != 0, c.open&openIPv6 != 0)
	return s
}

// count adds a frame to counters.
func count(c *datapath.Counters, length int, v verdict) {
	switch v {
	case carried:
		c.ReceivedPackets++
		c.ReceivedBytes += uint64(length)
	case spoofed:
		c.Spoofed++
		c.Dropped++
	case isolated:
		c.Isolated++
		c.Dropped++
	}
}

// checkStripped compares what a program has made of a frame.
func checkStripped(t *testing.T, frame, got []byte) {
	t.Helper()
	want := append(append([]byte{}, frame[:12]...), 8, 0)
	if frame[21] == 0x57 {
		want[12], want[13] = 0x86, 0xdd
	}
	want = append(want, frame[22:]...)
	if !bytes.Equal(got[:len(want)], want) {
		t.Fatalf("%x became %x", frame, got[:len(want)])
	}
}

// TestProgramsLoad: the verifier accepts the programs that send.
func TestProgramsLoad(t *testing.T) {
	i := testMaps(t)
	if err := i.engine.loadTransmit(); err != nil {
		t.Error(err)
	}
	if _, err := i.hooks.load(ebpf.SchedCLS, 0, "segment", finishSegment(i.maps(), i.slot, i.index)); err != nil {
		t.Error(err)
	}
}

// setSources sets the prefixes that the session's packets may be from.
func (s *session) setSources(all []netip.Prefix) error {
	if s.device.shared {
		return s.SetPrefixes(all)
	}
	return s.SetSourceFilter(datapath.NewSourceFilter(all...))
}
