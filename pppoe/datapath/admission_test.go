package datapath

import (
	"math/rand/v2"
	"testing"
	"time"
)

// testPath is a path with one session, session 7 or 0x1234, without goroutines.
type testPath struct {
	name  string
	path  Path
	entry *entry
	// receive gives frames to the path, and returns the number of packets that the device received.
	receive func(at time.Duration, frames ...*Frame) int
	// send gives packets or GSO packets from the device to the path, and returns the number of
	// frames that the port sent.
	send func(at time.Duration, packets ...gsoPacket) int
}

// eachPath returns a plain and a GSO path, with both families open.
func eachPath(t *testing.T) []testPath {
	plain, device, plainEntry := newPlainEntry(t)
	plainEntry.SetFamilies(true, true)
	w := &fakePort{}
	worker, gsoDevice, gsoEntry := newGSOEntry(fakeGatherer{w}, func([]byte) { t.Error("a packet went to the control plane") })
	setPeer(worker.path, gsoEntry, hostAddr)
	at := func(at time.Duration) { worker.path.clock = func() instant { return instant(at) } }
	return []testPath{{
		name: "plain", path: plain, entry: plainEntry,
		receive: func(when time.Duration, frames ...*Frame) int {
			before := device.taken
			for _, f := range frames {
				f.Data[16], f.Data[17] = 0x12, 0x34
				plain.deliver(f, make([][]byte, 1), instant(when))
			}
			return device.taken - before
		},
		send: func(when time.Duration, packets ...gsoPacket) (sent int) {
			for _, s := range packets {
				for _, p := range s.segments(t) {
					buf := make([]byte, maxTaggedLen+len(p))
					copy(buf[maxTaggedLen:], p)
					if plainEntry.encapsulate(buf, len(p), instant(when)) != nil {
						sent++
					}
				}
			}
			return sent
		},
	}, {
		name: "offload", path: worker.path, entry: gsoEntry,
		receive: func(when time.Duration, frames ...*Frame) (got int) {
			at(when)
			gsoDevice.written = nil
			batch := make([]Frame, len(frames))
			for i, f := range frames {
				f.Data[16], f.Data[17] = 0, 7
				batch[i] = *f
			}
			worker.receive(batch)
			for _, s := range gsoDevice.written {
				got += s.packets
			}
			return got
		},
		send: func(when time.Duration, packets ...gsoPacket) int {
			at(when)
			gsoDevice.toRead, w.frames = packets, nil
			if err := worker.drain(gsoEntry, gsoDevice, newFrameBatch()); err != nil {
				t.Error(err)
			}
			return len(w.frames)
		},
	}}
}

func fromPeer(packet []byte) *Frame {
	protocol := uint16(0x21)
	if packet[0]>>4 == 6 {
		protocol = 0x57
	}
	return sessionFrame(hostAddr, 7, protocol, packet, 0)
}

// TestVersionMismatch: a packet whose IP version differs from PPP's Protocol field does not reach
// the device while its own family is closed: the host goes by the version in the packet.
func TestVersionMismatch(t *testing.T) {
	for _, r := range eachPath(t) {
		for _, v6 := range []bool{false, true} {
			packet, protocol := packetFrom("2001:db8:1::1"), uint16(0x21)
			if v6 {
				packet, protocol = packetFrom("192.0.2.10"), 0x57
			}
			before := r.entry.Counters()
			r.entry.SetFamilies(!v6, v6)
			if got := r.receive(0, sessionFrame(hostAddr, 7, protocol, packet, 0)); got != 0 {
				t.Errorf("%s: protocol %#x with a packet of the other, closed family passes", r.name, protocol)
			}
			if c := r.entry.Counters(); c.Dropped != before.Dropped+1 || c.ReceivedPackets != before.ReceivedPackets {
				t.Errorf("%s: protocol %#x: counted %+v, want one dropped more than %+v", r.name, protocol, c, before)
			}
		}
	}
}

// TestSourceFilter: packets with other source addresses do not reach the device, and are counted.
func TestSourceFilter(t *testing.T) {
	for _, r := range eachPath(t) {
		mine, mine6, forged, forged6 := packetFrom("192.0.2.10"), packetFrom("2001:db8:1::1"), packetFrom("192.0.2.11"), packetFrom("2001:db8:2::1")
		all := func() []*Frame {
			mismatched := sessionFrame(hostAddr, 7, 0x21, forged6, 0) // IPv6 with the Protocol field of IPv4
			return []*Frame{fromPeer(mine), fromPeer(forged), fromPeer(mine6), fromPeer(forged6), mismatched}
		}
		if got := r.receive(0, all()...); got != 5 {
			t.Errorf("%s: without a filter %d packets of 5 pass", r.name, got)
		}
		r.entry.SetSourceFilter(NewSourceFilter(prefixes("192.0.2.10/32", "2001:db8:1::/64")...))
		if got := r.receive(0, all()...); got != 2 {
			t.Errorf("%s: with a filter %d packets pass, want 2", r.name, got)
		}
		r.entry.SetSourceFilter(NewSourceFilter(prefixes("192.0.2.11/32")...))
		if got := r.receive(0, all()...); got != 1 {
			t.Errorf("%s: with another filter %d packets pass, want 1", r.name, got)
		}
		r.entry.SetSourceFilter(nil)
		if got := r.receive(0, all()...); got != 5 {
			t.Errorf("%s: after the filter is removed %d packets of 5 pass", r.name, got)
		}
		if c := r.entry.Counters(); c.Spoofed != 7 || c.Dropped != 7 || c.Exceeded != 0 || c.ReceivedPackets != 13 {
			t.Errorf("%s: counted %+v; want 13 received, and 7 spoofed and so dropped", r.name, c)
		}
	}
}

// TestRateUp: of the packets from the peer the size of the bucket passes at once, and then no more
// than the rate. Spoofed packets take no tokens.
func TestRateUp(t *testing.T) {
	for _, r := range eachPath(t) {
		r.entry.SetSourceFilter(NewSourceFilter(prefixes("192.0.2.10/32")...))
		r.entry.SetRates(Rate{Bits: 8e6, Burst: 100 * time.Millisecond}, Rate{}) // 1000 octets per millisecond
		packet, forged := make([]byte, 1000), make([]byte, 1000)
		copy(packet, packetFrom("192.0.2.10"))
		copy(forged, packetFrom("192.0.2.11"))
		took := func(at time.Duration) (got int) {
			for range 30 {
				var frames []*Frame
				for range 5 {
					frames = append(frames, fromPeer(packet), fromPeer(forged))
				}
				got += r.receive(at, frames...)
			}
			return got
		}
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{0, 100}, {0, 0}, {10 * time.Millisecond, 10}, {10 * time.Second, 100}} {
			if got := took(c.at); got != c.want {
				t.Errorf("%s: at %v %d packets pass, want %d", r.name, c.at, got, c.want)
			}
		}
		if c := r.entry.Counters(); c.ReceivedPackets != 210 || c.Spoofed != 600 || c.Exceeded != 390 || c.Dropped != 990 {
			t.Errorf("%s: counted %+v", r.name, c)
		}
		if n := r.send(0, gsoPacket{packet: packet}); n != 1 {
			t.Errorf("%s: the rate from the peer limits packets to it", r.name)
		}
		r.entry.SetRates(Rate{}, Rate{})
		if got := took(10 * time.Second); got != 150 {
			t.Errorf("%s: without a rate %d packets pass, want 150", r.name, got)
		}
	}
}

// TestRateDown: a GSO packet takes tokens for its segments, each with headers; segments beyond the
// rate are not sent.
func TestRateDown(t *testing.T) {
	for _, r := range eachPath(t) {
		r.entry.SetRates(Rate{}, Rate{Bits: 8e6, Burst: 20 * time.Millisecond}) // 20,000 octets
		m := &packetMaker{Rand: rand.New(rand.NewPCG(1, 2))}
		sent := func(at time.Duration) int {
			return r.send(at, m.transport(0, false, false, 960, 30*960), m.transport(1, true, true, 952, 30*952))
		}
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{0, 20}, {0, 0}, {5 * time.Millisecond, 5}, {time.Second, 20}} {
			if got := sent(c.at); got != c.want {
				t.Errorf("%s: at %v %d segments of 1000 octets leave, want %d", r.name, c.at, got, c.want)
			}
		}
		if c := r.entry.Counters(); c.SentPackets != 45 || c.SentBytes != 45_000 || c.Exceeded != 240-45 || c.Dropped != c.Exceeded {
			t.Errorf("%s: counted %+v", r.name, c)
		}
		if n := r.receive(0, fromPeer(packetFrom("192.0.2.10"))); n != 1 {
			t.Errorf("%s: the rate to the peer limits packets from it", r.name)
		}
	}
}

// TestAdmissionNoAllocation: the checks do not allocate, in either direction.
func TestAdmissionNoAllocation(t *testing.T) {
	p, _, f := newPlainEntry(t)
	f.SetSourceFilter(NewSourceFilter(prefixes("192.0.2.10/32")...))
	f.SetRates(Rate{Bits: 1e9}, Rate{Bits: 1e9})
	packet, buf := make([][]byte, 1), make([]byte, maxTaggedLen+1500)
	in, forged := sessionFrame(hostAddr, 0x1234, 0x21, packetFrom("192.0.2.10"), 0), sessionFrame(hostAddr, 0x1234, 0x21, packetFrom("192.0.2.11"), 0)
	buf[maxTaggedLen] = 0x45
	if n := testing.AllocsPerRun(100, func() {
		p.deliver(in, packet, 0)
		p.deliver(forged, packet, 0)
		f.encapsulate(buf, 1400, 0)
	}); n != 0 {
		t.Errorf("packets that are checked allocate %v times", n)
	}
	if c := f.Counters(); c.Spoofed == 0 || c.ReceivedPackets == 0 || c.SentPackets == 0 {
		t.Errorf("nothing was checked: %+v", c)
	}
}

// BenchmarkDeliverFiltered is BenchmarkDeliver of a session with a source filter and a rate.
func BenchmarkDeliverFiltered(b *testing.B) {
	p, _, f := newPlainEntry(b)
	f.SetSourceFilter(NewSourceFilter(prefixes("192.0.2.10/32", "fe80::1/128", "2001:db8:1::/64", "2001:db8:100::/56")...))
	f.SetRates(Rate{Bits: MaxRate}, Rate{})
	data := tcpData4()
	copy(data[12:], []byte{192, 0, 2, 10})
	in, packet, now := sessionFrame(hostAddr, 0x1234, 0x21, data, 0), make([][]byte, 1), instant(0)
	b.ReportAllocs()
	for b.Loop() {
		p.deliver(in, packet, now)
		now += 100
	}
}

// TestRateDownWholePackets: ordinary packets from the device are limited too.
func TestRateDownWholePackets(t *testing.T) {
	for _, r := range eachPath(t) {
		r.entry.SetRates(Rate{}, Rate{Bits: 8e6, Burst: 20 * time.Millisecond}) // 20,000 octets
		packet := make([]byte, 1000)
		copy(packet, packetFrom("192.0.2.10"))
		for _, c := range []struct {
			at   time.Duration
			want int
		}{{0, 20}, {5*time.Millisecond - 1, 5}, {5 * time.Millisecond, 0}, {10 * time.Millisecond, 5}} {
			sent := 0
			for range 30 {
				sent += r.send(c.at, gsoPacket{packet: packet})
			}
			if sent != c.want {
				t.Errorf("%s: at %v %d packets leave, want %d", r.name, c.at, sent, c.want)
			}
		}
		if c := r.entry.Counters(); c.SentPackets != 30 || c.SentBytes != 30_000 || c.Exceeded != 90 {
			t.Errorf("%s: counted %+v", r.name, c)
		}
	}
}
