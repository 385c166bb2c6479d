package ebpf

import (
	"encoding/binary"
	"slices"
	"testing"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// TestTrunkFilter: a trunk receives, whatever the tags are, the session frames for its address that
// the kernel does not carry.
func TestTrunkFilter(t *testing.T) {
	s := newNetwork(t)
	parse := func(text string) vlan.Stack {
		tags, err := vlan.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return tags
	}
	sessions := []vlan.Stack{{}, parse("50"), parse("50.100")}
	var kernel []datapath.OffloadSession
	var link *Link
	for i, tags := range sessions {
		_, there := s.vlanSession(byte(1+i), tags, 1480)
		kernel, link = append(kernel, there.kernel), there.link
	}
	from, trunk := openTrunk(s.ends[0]), openTrunk(s.ends[1])
	defer from.Close()
	defer trunk.Close()
	if err := link.FilterTrunk(trunk); err != nil {
		t.Fatal(err)
	}
	const ipv4, lcp, last = 0x0021, 0xc021, 0xc0ff
	var sent [][]byte
	var want []string
	send := func(tags vlan.Stack, to wire.Addr, id, protocol uint16, received bool) {
		frame := tags.Insert(trunkFrame(to, from.Addr(), id, protocol), 0)
		sent = append(sent, frame)
		if received {
			want = append(want, string(frame))
		}
	}
	for _, text := range []string{"50", "51", "50.100", "0x9100:7", "0x9100:7.8", "50.0x9100:8"} {
		tags, us := parse(text), trunk.Addr()
		send(tags, us, 7, ipv4, !slices.Contains(sessions, tags))
		send(tags, us, 7, lcp, true)
		send(tags, us, 8, ipv4, true)
		send(tags, wire.Addr{2, 9}, 8, ipv4, false)
		send(tags, wire.Broadcast, 8, ipv4, false)
	}
	send(vlan.Stack{}, trunk.Addr(), 7, ipv4, false)
	send(vlan.Stack{}, trunk.Addr(), 7, last, true)
	if n, err := from.WriteBatch(sent); n != len(sent) {
		t.Fatal(err)
	}
	for i, frame := range readFrames(t, trunk, len(want)) {
		if frame != want[i] {
			t.Fatalf("frame %d is % x, want % x", i, frame, want[i])
		}
	}
	for i, session := range kernel {
		if n := session.Counters().ReceivedPackets; n != 1 {
			t.Errorf("%v: the kernel has carried %d packets, want 1", sessions[i], n)
		}
	}
}

// openTrunk opens a trunk for session frames on a station.
func openTrunk(e *station) (port *afpacket.Port) {
	e.do(func() (err error) {
		port, err = afpacket.OpenTrunk(afpacket.Attachment{Interface: ethernet}, wire.EtherTypeSession)
		return err
	})
	return port
}

// readFrames reads so many frames.
func readFrames(t *testing.T, port *afpacket.Port, n int) (all []string) {
	for len(all) < n {
		frames := []datapath.Frame{{Data: make([]byte, 1600)}}
		if _, err := port.ReadBatch(frames); err != nil {
			t.Fatal(err)
		}
		all = append(all, string(frames[0].Data))
	}
	return all
}

// trunkFrame returns an untagged session frame with a UDP datagram.
func trunkFrame(to, from wire.Addr, id, protocol uint16) []byte {
	b := append(append([]byte{}, to[:]...), from[:]...)
	b = append(b, 0x88, 0x64, 0x11, 0)
	b = binary.BigEndian.AppendUint16(b, id)
	b = append(b, 0, 2+28)
	b = binary.BigEndian.AppendUint16(b, protocol)
	ip := make([]byte, 28)
	ip[0], ip[3], ip[8], ip[9] = 0x45, 28, 64, 17
	return append(b, ip...)
}
