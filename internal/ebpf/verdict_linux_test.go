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
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// testRun runs a program on frames (BPF_PROG_TEST_RUN).
type testRun struct {
	program       *ebpf.Program
	acceptVerdict uint32
}

// newTestRun loads a program whose maps have one session, 0x0102 with addrs[1].
func newTestRun(t *testing.T, kind ebpf.ProgramType, taken uint32, make func(receiving, counters int) asm.Instructions) (*testRun, *Engine, *session) {
	t.Helper()
	roottest.Need(t)
	e := newEngine(Config{Sessions: 4})
	if err := e.createMaps(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	program, err := e.hooks.load(kind, 0, "test", make(e.rxSessions.FD(), e.counters.FD()))
	if err != nil {
		t.Fatal(err)
	}
	s := &session{SessionConfig: datapath.SessionConfig{Key: datapath.Key{SessionID: 0x0102, Local: addrs[0], Peer: addrs[1]}}, device: 1, open: openIPv4 | openIPv6}
	s.key = receiveKey(s.Peer, s.SessionID, vlan.Stack{})
	e.mu.Lock() // the timer of the load runs from now on
	err = e.addSession(s)
	e.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return &testRun{program, taken}, e, s
}

// run reports whether the program accepts a frame, and returns the resulting frame.
func (j *testRun) run(t *testing.T, frame []byte) (bool, []byte) {
	t.Helper()
	out := make([]byte, 4096)
	verdict, err := j.program.Run(&ebpf.RunOptions{Data: frame, DataOut: out})
	if err != nil {
		t.Fatalf("%x: %v", frame, err)
	}
	return verdict == j.acceptVerdict, out
}

// wantAccepted does what the programs do, in Go: it returns whether a frame is to be carried, if
// these families are open and IPv4 must be from that source (nil: any), and how many octets count.
func wantAccepted(f []byte, open uint16, from []byte) (length int, ok bool) {
	if len(f) < 42 || wire.Addr(f) != addrs[0] || wire.Addr(f[6:]) != addrs[1] {
		return 0, false
	}
	if !bytes.Equal(f[12:18], []byte{0x88, 0x64, 0x11, 0, 1, 2}) {
		return 0, false
	}
	room := int(binary.BigEndian.Uint16(f[18:])) - 2
	if room < 20 || 22+room > len(f) {
		return 0, false
	}
	ip, transport, protocol := f[22:], 0, byte(0)
	switch binary.BigEndian.Uint16(f[20:]) {
	case 0x21:
		length, transport, protocol = int(binary.BigEndian.Uint16(ip[2:])), int(ip[0]&15)*4, ip[9]
		if open&openIPv4 == 0 || ip[0]>>4 != 4 || transport < 20 || length < transport || from != nil && !bytes.Equal(ip[12:16], from) {
			return 0, false
		}
		if binary.BigEndian.Uint16(ip[6:])&0x1fff != 0 {
			protocol = 0
		}
	case 0x57:
		length, transport, protocol = 40+int(binary.BigEndian.Uint16(ip[4:])), 40, ip[6]
		if open&openIPv6 == 0 || ip[0]>>4 != 6 || slices.Contains(extensionHeaders, int32(protocol)) {
			return 0, false
		}
	default:
		return 0, false
	}
	if length > room {
		return 0, false
	}
	if protocol == protocolTCP && (len(ip) < transport+14 || ip[transport+13]&2 != 0) {
		return 0, false
	}
	return room, true
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
		ip = append([]byte{0x45 + byte(options/4), 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}, make([]byte, options)...)
		if r.IntN(4) == 0 {
			binary.BigEndian.PutUint16(ip[6:], uint16(r.Uint32()))
		}
		ip = append(ip, payload...)
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	} else {
		f[21] = 0x57
		ip = append([]byte{0x60, 0, 0, 0, 0, byte(len(payload)), protocol, 64}, make([]byte, 32)...)
		ip = append(ip, payload...)
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

// TestVerdicts compares the programs with wantAccepted, on valid and invalid frames.
func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  ebpf.ProgramType
		taken uint32
		make  func(receiving, counters int) asm.Instructions
	}{
		{"TC", ebpf.SchedCLS, tcActRedirect, receive},
		{"XDP", ebpf.XDP, xdpPass, receiveXDP},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, e, s := newTestRun(t, c.kind, c.taken, c.make)
			r := rand.New(rand.NewPCG(1, 2))
			var packets, octets, left uint64
			for i := range 25000 {
				if i%5000 == 0 {
					s.open = []uint16{openIPv4 | openIPv6, openIPv4, openIPv6, 0, openIPv4 | openIPv6}[i/5000]
					if i == 20000 {
						s.sourceFiltered, s.source = true, netip.AddrFrom4([4]byte{10, 0, 0, 1})
					}
					if err := e.writeMaps(s); err != nil {
						t.Fatal(err)
					}
				}
				f := randomFrame(r)
				if len(f) < 14 {
					continue
				}
				length, want := wantAccepted(f, s.receiveFlags()&^singleSource, s.source.AsSlice())
				got, out := j.run(t, f)
				if c.kind == ebpf.XDP { // XDP_PASS is also the verdict for frames that are left
					if got = binary.NativeEndian.Uint32(out) == metadataMagic; got {
						out = out[metadataLen:]
					}
				}
				if got != want {
					t.Fatalf("accepted: %v, want %v: %x", got, want, f)
				}
				if !want {
					left++
					continue
				}
				packets++
				octets += uint64(length)
				stripped := append(append([]byte{}, f[:12]...), 8, 0)
				if f[21] == 0x57 {
					stripped[12], stripped[13] = 0x86, 0xdd
				}
				stripped = append(stripped, f[22:]...)
				if !bytes.Equal(out[:len(stripped)], stripped) {
					t.Fatalf("%x became %x", f, out[:len(stripped)])
				}
			}
			if c := e.readCounters(s); c.ReceivedPackets != packets || c.ReceivedBytes != octets || packets < 3000 || left < 3000 {
				t.Errorf("counted %+v; %d packets of %d octets were accepted, %d left", c, packets, octets, left)
			}
		})
	}
}

// TestProgramsLoad: the verifier accepts the programs that send.
func TestProgramsLoad(t *testing.T) {
	roottest.Need(t)
	e := newEngine(Config{Sessions: 4})
	if err := e.createMaps(); err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.loadPrograms(1); err != nil {
		t.Error(err)
	}
}
