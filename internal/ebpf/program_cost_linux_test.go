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

// BenchmarkPrograms measures the time of the programs that receive, for one plain session alone and
// for one of 10,000 with a rate and a source check. The lowest of many single runs is little
// affected by other load: go test -run none -bench Programs -benchtime 20000x
func BenchmarkPrograms(b *testing.B) {
	for _, program := range []struct {
		name string
		kind ebpf.ProgramType
		make func(*mapFDs) asm.Instructions
	}{{"TC", ebpf.SchedCLS, receive}, {"XDP", ebpf.XDP, receiveXDP}} {
		for name, sessions := range map[string]int{"one session": 1, "10,000 sessions": 10_000} {
			for family, source := range map[string]netip.Prefix{"IPv4": prefixesOf(1)[0], "IPv6": prefixesOf(1)[2]} {
				b.Run(program.name+"/"+name+"/"+family, func(b *testing.B) {
					i := testMapsOf(b, sessions)
					loaded, err := i.engine.hooks.load(program.kind, 0, "test", program.make(i.maps()))
					check(b, err)
					d := &device{index: 7, shared: sessions > 1}
					for n := range sessions {
						s := i.testSessionOf(b, d, datapath.SessionConfig{Key: datapath.Key{SessionID: uint16(1 + n), Local: addrs[1], Peer: wire.Addr{2, 0, 0, 0, 0, 1}}})
						if d.shared {
							check(b, s.SetPrefixes(prefixesOf(1+n)))
							s.SetRates(unreached, unreached)
						}
						s.SetFamilies(true, true)
					}
					frame := sessionFrame(source.Addr())
					times := make([]time.Duration, 0, b.N)
					for range b.N {
						_, took, err := loaded.Benchmark(frame, 1, nil)
						check(b, err)
						times = append(times, took)
					}
					b.ReportMetric(float64(slices.Min(times)), "ns/packet")
				})
			}
		}
	}
}

// sessionFrame returns a frame of session 1 with a UDP datagram of 1000 octets.
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
