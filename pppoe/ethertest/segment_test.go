package ethertest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

var (
	alice = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	bob   = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	carl  = wire.Addr{2, 0, 0x5e, 0, 0x53, 3}
)

func frame(dst, src wire.Addr, etherType uint16, payload string) []byte {
	f := append(append([]byte(nil), dst[:]...), src[:]...)
	return append(binary.BigEndian.AppendUint16(f, etherType), payload...)
}

// collect is the payloads that a port receives until it is closed.
type collect struct {
	port *ethertest.Port
	got  []string
	err  error
}

func listen(port *ethertest.Port) *collect {
	c := &collect{port: port}
	// Ends with the port.
	go func() {
		for {
			frames := []datapath.Frame{{Data: make([]byte, 1514)}, {Data: make([]byte, 1514)}}
			n, err := port.ReadBatch(frames)
			if err != nil {
				c.err = err
				return
			}
			for _, f := range frames[:n] {
				c.got = append(c.got, string(f.Data[14:]))
			}
		}
	}()
	return c
}

// want closes the port and compares what it has received.
func (c *collect) want(t *testing.T, who string, want ...string) {
	t.Helper()
	synctest.Wait()
	c.port.Close()
	synctest.Wait()
	if !slices.Equal(c.got, want) {
		t.Errorf("%s received %q, want %q", who, c.got, want)
	}
	if !errors.Is(c.err, net.ErrClosed) {
		t.Errorf("%s: ReadBatch ended with %v, want net.ErrClosed", who, c.err)
	}
}

// TestDelivery: a unicast frame is received by its station, a broadcast by all but its sender, each
// only by the port of its ethertype.
func TestDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{})
		sender := s.Port(alice, wire.EtherTypeDiscovery)
		a := listen(sender)
		b := listen(s.Port(bob, wire.EtherTypeDiscovery))
		bobSession := listen(s.Port(bob, wire.EtherTypeSession))
		c := listen(s.Port(carl, wire.EtherTypeDiscovery))
		n, err := sender.WriteBatch([][]byte{
			frame(wire.Broadcast, alice, wire.EtherTypeDiscovery, "all"),
			frame(bob, alice, wire.EtherTypeDiscovery, "bob"),
			frame(bob, alice, wire.EtherTypeSession, "bob's session"),
			frame(wire.Addr{1, 2, 3}, alice, wire.EtherTypeDiscovery, "a group"),
			frame(bob, alice, wire.EtherTypeDiscovery, string(make([]byte, 1501))),
			{1, 2, 3},
		})
		if n != 6 || err != nil {
			t.Errorf("sent %d frames: %v", n, err)
		}
		s.Send(frame(alice, carl, wire.EtherTypeDiscovery, "forged"))
		a.want(t, "the sender", "forged")
		b.want(t, "bob", "all", "bob")
		c.want(t, "carl", "all")
		bobSession.want(t, "bob's session port", "bob's session")
	})
}

// TestTagged: a port in a VLAN receives its frames without tags; a trunk receives and sends those
// of all VLANs with tags.
func TestTagged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{MTU: 9})
		qinq := vlan.Stack{{TPID: vlan.STag, VID: 50}, {TPID: vlan.CTag, VID: 100}}
		sender := s.Trunk(alice, wire.EtherTypeDiscovery)
		trunk := listen(s.Trunk(carl, wire.EtherTypeDiscovery))
		untagged := listen(s.Port(bob, wire.EtherTypeDiscovery))
		port := s.Tagged(bob, wire.EtherTypeDiscovery, qinq)
		tagged := listen(port)
		sender.WriteBatch([][]byte{
			frame(wire.Broadcast, alice, wire.EtherTypeDiscovery, "untagged"),
			qinq.Insert(frame(wire.Broadcast, alice, wire.EtherTypeDiscovery, "tagged"), 7),
			qinq.Insert(frame(wire.Broadcast, alice, wire.EtherTypeDiscovery, "1234567890"), 0),
			qinq.Insert(frame(wire.Broadcast, alice, wire.EtherTypeSession, "session"), 0),
		})
		port.WriteBatch([][]byte{frame(carl, bob, wire.EtherTypeDiscovery, "back")})
		untagged.want(t, "the untagged station", "untagged")
		tagged.want(t, "the tagged one", "tagged")
		trunk.want(t, "the trunk", "untagged", "\xe02\x81\x00\xe0d\x88ctagged", "\x002\x81\x00\x00d\x88cback")
	})
}

// TestTrunkPorts: a station on a trunk receives frames of both ethertypes with their tags, of the
// largest size, and without a priority tag.
func TestTrunkPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{MTU: 9})
		qinq := vlan.Stack{{TPID: vlan.STag, VID: 50}, {TPID: vlan.CTag, VID: 100}}
		priority := vlan.Stack{{TPID: vlan.CTag}}
		ports := s.TrunkPorts(carl)
		if n := ports.PayloadMTU(qinq); n != 9 || ports.Session.MTU() != 9+8 {
			t.Errorf("payload %d, MTU %d", n, ports.Session.MTU())
		}
		discovery, session := listen(ports.Discovery.(*ethertest.Port)), listen(ports.Session.(*ethertest.Port))
		for _, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
			s.Send(qinq.Insert(frame(carl, alice, etherType, "123456789"), 3))
			s.Send(priority.Insert(frame(carl, alice, etherType, "priority"), 7))
			s.Send(frame(carl, alice, etherType, "untagged"))
		}
		discovery.want(t, "discovery", "\x602\x81\x00\x60d\x88c123456789", "priority", "untagged")
		session.want(t, "session", "\x602\x81\x00\x60d\x88d123456789", "priority", "untagged")
	})
}

// TestRandomFaults: a seed determines the result, the shares are about those configured, and frames
// are reordered within the maximum delay.
func TestRandomFaults(t *testing.T) {
	const sent = 1000
	run := func(seed uint64) (got []string) {
		synctest.Test(t, func(t *testing.T) {
			s := ethertest.New(ethertest.Config{Seed: seed, Loss: 0.1, Duplicate: 0.2, Delay: time.Second})
			c := listen(s.Port(bob, wire.EtherTypeSession))
			for i := range sent {
				s.Send(frame(bob, alice, wire.EtherTypeSession, fmt.Sprintf("%04d", i)))
			}
			time.Sleep(time.Second) // virtual
			synctest.Wait()
			c.port.Close()
			synctest.Wait()
			got = c.got
		})
		return got
	}
	first := run(7)
	if again := run(7); !slices.Equal(first, again) {
		t.Error("the same seed has another result")
	}
	if slices.Equal(first, run(8)) {
		t.Error("another seed has the same result")
	}
	if slices.IsSorted(first) {
		t.Error("no frame overtook another")
	}
	count := map[string]int{}
	for _, f := range first {
		count[f]++
	}
	twice := len(first) - len(count)
	if lost := sent - len(count); lost < 60 || lost > 140 || twice < 120 || twice > 240 {
		t.Errorf("of %d frames %d were lost and %d came twice, want about 100 and 180", sent, lost, twice)
	}
}

// TestBounded: a port that nobody reads does not block the segment, and counts lost frames.
func TestBounded(t *testing.T) {
	s := ethertest.New(ethertest.Config{})
	p := s.Port(bob, wire.EtherTypeSession)
	for range 5000 {
		s.Send(frame(bob, alice, wire.EtherTypeSession, ""))
	}
	if d := p.Dropped(); d <= 0 || d >= 5000 {
		t.Errorf("of 5000 frames %d were dropped, want a queue of some length", d)
	}
}

// TestTooLong: a frame that is longer than its buffer is not delivered, as datapath.Port requires.
func TestTooLong(t *testing.T) {
	s := ethertest.New(ethertest.Config{})
	p := s.Port(bob, wire.EtherTypeSession)
	for _, payload := range []string{"too long for it", "fits", "also too long", "too"} {
		s.Send(frame(bob, alice, wire.EtherTypeSession, payload))
	}
	frames := make([]datapath.Frame, 4)
	for i := range frames {
		frames[i].Data = make([]byte, 14+4)
	}
	n, err := p.ReadBatch(frames)
	if n != 2 || err != nil || string(frames[0].Data[14:]) != "fits" || string(frames[1].Data[14:]) != "too" {
		t.Errorf("read %d frames (%v): % x, want the two that fit", n, err, frames[0].Data)
	}
}

// TestWatch: Watch is called with all frames that are sent, lost or not.
func TestWatch(t *testing.T) {
	var seen []string
	s := ethertest.New(ethertest.Config{Loss: 1, Watch: func(f []byte) { seen = append(seen, string(f[14:])) }})
	ports := s.Ports(alice)
	ports.Discovery.WriteBatch([][]byte{frame(bob, alice, wire.EtherTypeDiscovery, "one")})
	ports.Session.WriteBatch([][]byte{frame(bob, alice, wire.EtherTypeSession, "two")})
	if !slices.Equal(seen, []string{"one", "two"}) {
		t.Errorf("saw %q, want both frames", seen)
	}
	if ports.Session.Addr() != alice || ports.Session.MTU() != 1500 {
		t.Errorf("the station is %v with an MTU of %d", ports.Session.Addr(), ports.Session.MTU())
	}
	ports.Close()
	if _, err := ports.Session.WriteBatch([][]byte{frame(bob, alice, wire.EtherTypeSession, "three")}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteBatch after Close: %v, want net.ErrClosed", err)
	}
}

// TestMTU: a frame longer than the MTU is lost.
func TestMTU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{MTU: 9})
		p := s.Port(bob, wire.EtherTypeSession)
		c := listen(p)
		if p.MTU() != 9 {
			t.Errorf("MTU %d, want 9", p.MTU())
		}
		s.Send(frame(bob, alice, wire.EtherTypeSession, "123456789"))
		s.Send(frame(bob, alice, wire.EtherTypeSession, "1234567890"))
		c.want(t, "bob", "123456789")
	})
}

// TestStations: the ports of many stations receive frames for all addresses with the prefix, of all
// VLANs, and none from those addresses.
func TestStations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ethertest.New(ethertest.Config{})
		stations := s.Stations(wire.Addr{2, 0, 0x5e, 0x80, 0, 0}, 25)
		c := listen(stations.Session.(*ethertest.Port))
		inside, outside := wire.Addr{2, 0, 0x5e, 0xff, 1, 2}, wire.Addr{2, 0, 0x5e, 0x7f, 1, 2}
		s.Send(frame(inside, alice, wire.EtherTypeSession, "inside"))
		s.Send(frame(outside, alice, wire.EtherTypeSession, "outside"))
		s.Send(frame(wire.Broadcast, inside, wire.EtherTypeSession, "from inside"))
		s.Send(frame(inside, alice, wire.EtherTypeDiscovery, "another ethertype"))
		c.want(t, "the stations", "inside")
	})
}
