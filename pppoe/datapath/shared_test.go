package datapath

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// TestSharedDownstream: packets and GSO packets are sent to the session with the longest prefix, in
// the order of each flow, by the port of that session's engine, in batches that several sessions
// share.
func TestSharedDownstream(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1, 3, 4)
	owners := map[string]uint16{}
	for i, prefix := range []string{"192.0.2.0/32", "192.0.2.2/32", "192.0.2.4/31", "192.0.2.6/32", "2020::/16", "192.0.2.0/24"} {
		id := uint16(10 + 3*i)
		b.add(t, i%3, id, prefix)
		owners[prefix] = id
	}
	ownerOf := func(packet []byte) uint16 {
		if packet[0]>>4 == 6 {
			return owners["2020::/16"]
		}
		return [...]uint16{owners["192.0.2.0/32"], owners["192.0.2.0/24"], owners["192.0.2.2/32"], owners["192.0.2.0/24"],
			owners["192.0.2.4/31"], owners["192.0.2.4/31"], owners["192.0.2.6/32"], owners["192.0.2.0/24"]}[packet[19]]
	}
	m := &packetMaker{Rand: rand.New(rand.NewPCG(3, 4))}
	for total := 0; total < 20_000; {
		want, got := map[string][][]byte{}, map[string][][]byte{}
		var packets []gsoPacket
		for range 1 + m.IntN(20) {
			s := m.next()
			packets = append(packets, s)
			for _, p := range s.segments(t) {
				flow := fmt.Sprint(ownerOf(p), flowOf(p))
				want[flow] = append(want[flow], p)
				total++
			}
		}
		b.down(t, packets...)
		for engine := range b.engines {
			for _, frame := range b.sent(engine) {
				p, id := packetIn(t, frame)
				if (id-10)/3%3 != uint16(engine) {
					t.Fatalf("a frame of session %d leaves by engine %d", id, engine)
				}
				flow := fmt.Sprint(id, flowOf(p))
				got[flow] = append(got[flow], p)
			}
		}
		for flow := range want {
			if !slices.EqualFunc(got[flow], want[flow], bytes.Equal) {
				t.Fatalf("after %d packets: of a flow %d came out, want the same %d", total, len(got[flow]), len(want[flow]))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d flows came out, want %d", len(got), len(want))
		}
	}
	if c := b.Counters(); c != (SharedCounters{}) {
		t.Errorf("counted %+v", c)
	}
}

// TestSharedUnreachable: a packet to an address without a session is answered from the server's
// address, unless there must be no answer, and is counted.
func TestSharedUnreachable(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1)
	b.add(t, 0, 7, "192.0.2.1/32")
	multicast := to("239.1.2.3", 100, 0)
	b.down(t, to("192.0.2.2", 100, 0), to("2001:db8:1::1", 100, 0), multicast, gsoPacket{packet: []byte{0x45}})
	if c := b.Counters(); c.Unreachable != 4 || c.TooBig != 0 || len(b.sent(0)) != 0 {
		t.Errorf("counted %+v", c)
	}
	if len(b.device.written) != 2 {
		t.Fatalf("%d answers, want 2", len(b.device.written))
	}
	v4, v6 := b.device.written[0].packet, b.device.written[1].packet
	checkICMP(t, v4)
	checkICMP(t, v6)
	if v4[20] != icmp4Unreachable || v4[21] != codeHostUnreachable || [4]byte(v4[12:]) != router4.As4() || [4]byte(v4[44:]) != [4]byte{192, 0, 2, 2} {
		t.Errorf("IPv4: % x", v4)
	}
	if v6[40] != icmp6Unreachable || v6[41] != codeAddressUnreachable || [16]byte(v6[8:]) != router6.As16() {
		t.Errorf("IPv6: % x", v6)
	}
}

// TestSharedMTU: packets longer than the session's MTU are fragmented, or answered, as they are or
// as segments of GSO packets.
func TestSharedMTU(t *testing.T) {
	const mtu = 1000
	withDF := func(s gsoPacket) gsoPacket {
		s.packet[6] |= 0x40
		withHeaderChecksum(s.packet)
		return s
	}
	for _, c := range []struct {
		what                     string
		packet                   gsoPacket
		frames, answers, dropped int
	}{
		{"IPv4, as long as the MTU", to("192.0.2.1", mtu, 0), 1, 0, 0},
		{"IPv4 without DF", to("192.0.2.1", mtu+1, 0), 2, 0, 0},
		{"IPv4 with DF", withDF(to("192.0.2.1", mtu+1, 0)), 0, 1, 1},
		{"IPv6", to("2001:db8:1::1", mtu+1, 0), 0, 1, 1},
		{"IPv6, as long as the MTU", to("2001:db8:1::1", mtu, 0), 1, 0, 0},
		{"short segments", to("192.0.2.1", 28+5*(mtu-28), mtu-28), 5, 0, 0},
		{"long segments without DF", to("192.0.2.1", 28+5*(mtu-27)-900, mtu-27), 4*2 + 1, 0, 0},
		{"long segments with DF", withDF(to("192.0.2.1", 28+5*(mtu-27), mtu-27)), 0, 1, 5},
		{"long IPv6 segments", to("2001:db8:1::1", 48+3*(mtu-47), mtu-47), 0, 1, 3},
		{"many long segments", to("192.0.2.1", 28+40*(mtu-27), mtu-27), 80, 0, 0},
	} {
		b := newSharedBench(SharedConfig{}, 1)
		e := b.add(t, 0, 8, "192.0.2.1/32", "2001:db8:1::/64")
		e.SetMTU(mtu)
		want := c.packet.segments(t)
		b.down(t, c.packet)
		frames := b.sent(0)
		n := e.Counters()
		if len(frames) != c.frames || len(b.device.written) != c.answers || n.Dropped != uint64(c.dropped) || n.SentPackets != uint64(c.frames) {
			t.Fatalf("%s: %d frames, %d answers, %+v", c.what, len(frames), len(b.device.written), n)
		}
		if got := b.Counters(); got != (SharedCounters{TooBig: uint64(c.dropped)}) {
			t.Errorf("%s: counted %+v", c.what, got)
		}
		for _, answer := range b.device.written {
			checkTooBig(t, c.what, answer.packet, mtu, want[0])
		}
		if len(frames) > 0 {
			checkPayloads(t, c.what, frames, want, mtu)
		}
	}
}

// checkTooBig checks that an error announces the MTU, and quotes the packet.
func checkTooBig(t *testing.T, what string, b []byte, mtu int, packet []byte) {
	t.Helper()
	checkICMP(t, b)
	if b[0]>>4 == 4 && (b[20] != icmp4Unreachable || b[21] != codeFragmentationNeeded || int(binary.BigEndian.Uint32(b[24:])) != mtu || !bytes.HasPrefix(packet, b[28:])) {
		t.Errorf("%s: % x", what, b)
	}
	if b[0]>>4 == 6 && (b[40] != icmp6TooBig || int(binary.BigEndian.Uint32(b[44:])) != mtu || !bytes.HasPrefix(packet, b[48:])) {
		t.Errorf("%s: % x", what, b)
	}
}

// checkPayloads checks that the packets of frames, reassembled, have the payloads of the packets.
func checkPayloads(t *testing.T, what string, frames, want [][]byte, mtu int) {
	t.Helper()
	for _, packet := range want {
		var fragments [][]byte
		for more := true; more; {
			if len(frames) == 0 {
				t.Fatalf("%s: a packet is missing", what)
			}
			p, _ := packetIn(t, frames[0])
			frames = frames[1:]
			fragments = append(fragments, p)
			more = p[0]>>4 == 4 && p[6]&0x20 != 0
		}
		got := fragments[0][40:]
		if packet[0]>>4 == 4 {
			got, _ = reassemble(t, fragments, mtu)
		}
		if !bytes.HasSuffix(packet, got) || len(packet)-len(got) > 40 {
			t.Fatalf("%s: %d octets arrive of a packet of %d", what, len(got), len(packet))
		}
	}
}

// TestSetPrefixes: which prefixes a session gets, and what the others have.
func TestSetPrefixes(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1)
	first, second := b.add(t, 0, 8, "192.0.2.1/32", "fe80::8/128"), b.add(t, 0, 9, "fe80::8/128")
	for _, c := range []struct {
		prefixes []string
		want     error
	}{
		{[]string{"192.0.2.2/32", "192.0.2.1/32"}, ErrPrefixInUse},
		{[]string{"192.0.2.2/32", "fe80::/64"}, ErrPrefix},
		{[]string{"192.0.2.2/32", "fe80:1::1/128"}, ErrPrefix},
		{[]string{"192.0.2.2/32", "fe80::1/128", "fe80::2/128"}, ErrPrefix},
		{[]string{"192.0.2.2/32", "fe80::/128"}, ErrPrefix},
	} {
		if err := second.SetPrefixes(prefixes(c.prefixes...)); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.prefixes, err, c.want)
		}
		if b.table.of(netip.MustParseAddr("192.0.2.2")) != nil || second.interfaceID.Load() != 8 {
			t.Errorf("%v: a refused set is in use", c.prefixes)
		}
	}
	first.Remove()
	if err := first.SetPrefixes(prefixes("192.0.2.1/32")); err != nil {
		t.Errorf("after Remove: %v", err)
	}
	if err := second.SetPrefixes(prefixes("192.0.2.1/32")); err != nil {
		t.Errorf("the prefix of a removed session: %v", err)
	}
	own, err := b.engines[0].Add(SessionConfig{Key: Key{SessionID: 99}, Device: &fakeGSODevice{closed: make(chan struct{})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := own.SetPrefixes(nil); !errors.Is(err, ErrNotShared) {
		t.Errorf("a session with a device of its own: %v", err)
	}
	own.Remove()
	if _, err := b.engines[0].Add(SessionConfig{Key: second.Key, Shared: b.SharedDevice}); !errors.Is(err, ErrSessionInUse) {
		t.Errorf("a key in use: %v", err)
	}
}

// TestSharedRemove: nothing is carried for a removed session, and the device stays open for the
// others.
func TestSharedRemove(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1)
	gone, stays := b.add(t, 0, 8, "192.0.2.1/32"), b.add(t, 0, 9, "192.0.2.2/32")
	b.down(t, to("192.0.2.1", 100, 0))
	if n := gone.Remove(); n.SentPackets != 1 || gone.Remove() != n {
		t.Errorf("counted %+v", n)
	}
	b.down(t, to("192.0.2.1", 100, 0), to("192.0.2.2", 100, 0))
	if frames := b.sent(0); len(frames) != 2 || b.Counters().Unreachable != 1 {
		t.Errorf("%d frames, counted %+v", len(frames), b.Counters())
	}
	if b.up(gone, addressed4("192.0.2.1")) || !b.up(stays, addressed4("192.0.2.2")) {
		t.Error("a packet of the removed session is carried, or one of the other is not")
	}
}

// addressed4 returns a UDP packet from an IPv4 address.
func addressed4(source string) []byte {
	p := packet4(17, udpPayload...)
	copy(p[12:], netip.MustParseAddr(source).AsSlice())
	return withHeaderChecksum(p)
}

// TestSharedRates: a session's rates hold over the shared device, whose clock is not the engine's.
func TestSharedRates(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1)
	e := b.add(t, 0, 8, "192.0.2.1/32")
	b.engines[0].clock = func() instant { return instant(time.Hour) }
	e.ahead = -instant(time.Hour)
	at := time.Duration(0)
	b.clock = func() instant { return instant(at) }
	e.SetRates(Rate{Bits: 8e6, Burst: time.Millisecond}, Rate{Bits: 8e6, Burst: time.Millisecond}) // 15 packets of 1000 octets at once
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 15}, {0, 0}, {5 * time.Millisecond, 5}} {
		at = c.at
		for range 20 {
			b.down(t, to("192.0.2.1", 1000, 0))
		}
		if got := len(b.sent(0)); got != c.want {
			t.Errorf("at %v %d packets pass, want %d", c.at, got, c.want)
		}
	}
	if n := e.Counters(); n.Exceeded != 40 || n.Dropped != 40 {
		t.Errorf("counted %+v", n)
	}
}

// TestSend: a packet of the control plane is sent regardless of rates, and counted, unless its
// family is closed or it is too long.
func TestSend(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 2)
	e := b.add(t, 0, 9)
	e.SetRates(Rate{}, Rate{Bits: 1})
	packet := packet6(58, 134, 0, 0, 0)
	for range 30_000 {
		if !e.Send(packet) {
			t.Fatal("not sent")
		}
	}
	frames := b.sent(0)
	if got, id := packetIn(t, frames[0]); len(frames) != 30_000 || id != 9 || !bytes.Equal(got, packet) {
		t.Errorf("%d frames, the first of session %d: % x", len(frames), id, got)
	}
	if n := e.Counters(); n.SentPackets != 30_000 || n.SentBytes != 30_000*uint64(len(packet)) || n.Dropped != 0 {
		t.Errorf("counted %+v", n)
	}
	long := packet6(58, make([]byte, 1492-40)...)
	if !e.Send(long) || e.Send(append(long, 0)) || e.Send(nil) {
		t.Error("the longest packet is not sent, or a longer or empty one is")
	}
	e.SetFamilies(true, false)
	if e.Send(packet) {
		t.Error("sent though IPv6 is closed")
	}
	e.SetFamilies(true, true)
	b.wires[0][e.path.portFor(e, 0)].refuse = 1
	if e.Send(packet) {
		t.Error("sent though the port refuses it")
	}
	e.Remove()
	if e.Send(packet) {
		t.Error("sent after Remove")
	}
}

// TestSharedNoAllocation: no packet costs an allocation: to sessions of several engines, answered or
// fragmented, from a peer to the device, and dropped.
func TestSharedNoAllocation(t *testing.T) {
	b := newSharedBench(SharedConfig{Isolate: true}, 2, 2)
	b.cfg.Local = func(SessionConfig, []byte) {}
	for i := range b.engines {
		for j := range b.engines[i].outlets {
			*b.engines[i].outlets[j] = *newOutlet(&countingPort{})
		}
	}
	e := b.add(t, 0, 8, "192.0.2.1/32", "2001:db8:1::/64", "fe80::8/128")
	b.add(t, 1, 9, "192.0.2.2/32").SetMTU(1000)
	e.writers = writers(discardDevice{b.device}, 2)
	b.single = &singleWriter{Device: b.device, to: discardDevice{b.device}}
	packets := []gsoPacket{to("192.0.2.1", 1400, 0), to("192.0.2.1", 28+40*1400, 1400), to("2001:db8:1::1", 1400, 0),
		to("192.0.2.2", 1400, 0), to("192.0.2.2", 28+4*1400, 1400), to("192.0.2.3", 1400, 0), to("2001:db8:2::1", 100, 0)}
	frames := []Frame{{}, {}, {}, {}, {}}
	all := [][]byte{
		frameOf(e, addressed4("192.0.2.1")), frameOf(e, addressed4("192.0.2.2")), frameOf(e, edited(addressed4("192.0.2.1"), 16, 192, 0, 2, 2)),
		frameOf(e, addressedTo(packetFrom("fe80::8"), "ff02::2", 58)), frameOf(e, packetFrom("2001:db8:1::5")),
	}
	now := instant(0)
	b.clock = func() instant { return now }
	reader := &repeatingReader{packets: packets}
	b.queue.from = reader
	work := func() {
		now += instant(time.Second)
		reader.next = 0
		b.queue.drain()
		for i := range frames {
			frames[i].Data = all[i]
		}
		b.engines[0].workers[0].receive(frames)
	}
	work()
	if n := testing.AllocsPerRun(100, work); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := e.Counters(); n.SentPackets == 0 || n.Spoofed != 102 || n.Isolated != 102 || n.ReceivedPackets != 3*102 {
		t.Errorf("counted %+v", n)
	}
	if c := b.Counters(); c.Unreachable != 204 {
		t.Errorf("counted %+v", c)
	}
	send := packet6(58, 134, 0, 0, 0)
	if n := testing.AllocsPerRun(100, func() { e.Send(send) }); n != 0 {
		t.Errorf("Send: %v allocations", n)
	}
}

// TestSharedClampsMSS: the MSS of a SYN is clamped in both directions.
func TestSharedClampsMSS(t *testing.T) {
	b := newSharedBench(SharedConfig{}, 1)
	e := b.add(t, 0, 8, "192.0.2.1/32", "198.51.100.7/32")
	e.SetMSS(NewMSSLimit(1400, 0))
	packet := ipv4Packet(syn{flags: flagSYN, options: mss(1460)}.segment())
	copy(packet[12:], []byte{198, 51, 100, 7, 192, 0, 2, 1})
	b.down(t, gsoPacket{packet: bytes.Clone(packet)})
	if !b.up(e, packet) {
		t.Fatal("the SYN of the peer is dropped")
	}
	down, _ := packetIn(t, b.sent(0)[0])
	for direction, p := range map[string][]byte{"down": down, "up": b.device.written[0].packet} {
		if got := binary.BigEndian.Uint16(p[42:]); got != 1360 {
			t.Errorf("%s: the MSS is %d, want 1360", direction, got)
		}
	}
}
