package ebpf

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// BenchmarkPrograms measures the time of the programs, for one plain session alone, also with a deadline,
// and for one of 10,000 on a shared device, each with rates and four prefixes. The lowest of many single runs is
// little affected by other load: go test -run none -bench Programs -benchtime 20000x
func BenchmarkPrograms(b *testing.B) {
	own, first := prefixesOf(1)[0].Addr(), prefixesOf(1)[2].Addr()
	for _, c := range []struct {
		name         string
		kind         ebpf.ProgramType
		plain, other func(*mapFDs) asm.Instructions
		frame        []byte
	}{
		{"TC IPv4", ebpf.SchedCLS, receive, receive, sessionFrame(own)},
		{"TC IPv6", ebpf.SchedCLS, receive, receive, sessionFrame(first)},
		{"XDP IPv4", ebpf.XDP, receiveXDP, receiveXDP, sessionFrame(own)},
		{"XDP IPv6", ebpf.XDP, receiveXDP, receiveXDP, sessionFrame(first)},
		{"transmit IPv4", ebpf.SchedCLS, transmit, transmitShared, packetTo(own)},
	} {
		b.Run(c.name+"/one session", func(b *testing.B) { benchmarkProgram(b, c.kind, c.plain, c.frame, 1, time.Time{}) })
		b.Run(c.name+"/deadline", func(b *testing.B) { benchmarkProgram(b, c.kind, c.plain, c.frame, 1, time.Now().Add(time.Hour)) })
		b.Run(c.name+"/10,000 sessions", func(b *testing.B) { benchmarkProgram(b, c.kind, c.other, c.frame, 10_000, time.Time{}) })
	}
}

func benchmarkProgram(b *testing.B, kind ebpf.ProgramType, program func(*mapFDs) asm.Instructions, frame []byte, sessions int, deadline time.Time) {
	i := testMapsOf(b, sessions)
	i.engine.SetDeadline(deadline)
	loaded, err := i.engine.hooks.load(kind, 0, "test", program(i.maps()))
	check(b, err)
	d := &device{index: 1, shared: sessions > 1} // test runs are on interface 1
	for n := range sessions {
		s := i.testSessionOf(b, d, datapath.SessionConfig{Key: datapath.Key{SessionID: uint16(1 + n), Local: addrs[1], Peer: wire.Addr{2, 0, 0, 0, 0, 1}}})
		if d.shared {
			check(b, s.SetPrefixes(prefixesOf(1+n)))
			s.SetRates(unreached, unreached)
		}
		s.SetFamilies(true, true)
	}
	times := make([]time.Duration, 0, b.N)
	for range b.N {
		_, took, err := loaded.Benchmark(frame, 1, nil)
		check(b, err)
		times = append(times, took)
	}
	b.ReportMetric(float64(slices.Min(times)), "ns/packet")
	if c := i.engine.bySlot[0].Counters(); c.SentPackets+c.ReceivedPackets != uint64(b.N) {
		b.Errorf("of %d packets %+v were carried", b.N, c)
	}
}

// sessionFrame returns a frame of session 1 with a packet of 1000 octets.
func sessionFrame(from netip.Addr) []byte {
	f := trunkFrame(addrs[1], addrs[0], 1, 0x21)
	if f = append(f, make([]byte, 972)...); from.Is4() {
		copy(f[22+12:], from.AsSlice())
		f[22+2], f[22+3], f[18], f[19] = 1000>>8, 1000&0xff, 1002>>8, 1002&0xff
		return f
	}
	ip := append([]byte{0x60, 0, 0, 0, 960 >> 8, 960 & 0xff, 17, 64}, from.AsSlice()...)
	copy(f[22:], append(ip, netip.MustParseAddr("fd00:255::1").AsSlice()...))
	f[18], f[19], f[21] = 1002>>8, 1002&0xff, 0x57
	return f
}

// packetTo returns an IPv4 packet. A test run takes the octets 12 and 13, where the source address
// begins, for an EtherType.
func packetTo(to netip.Addr) []byte {
	return append(append(append([]byte{0x45, 0, 1000 >> 8, 1000 & 0xff, 0, 0, 0, 0, 64, 17, 0, 0}, 8, 0, 0, 1), to.AsSlice()...), make([]byte, 980)...)
}
