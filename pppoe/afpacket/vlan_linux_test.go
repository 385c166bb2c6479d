package afpacket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// stacks are the tags that are tested.
var stacks = []string{
	"50", "0", "0x88a8:50", "50.100", "0x8100:50.0x8100:100", "50.50", "50.0",
	"0x9100:50", "0x9100:50.100", "0x8100:50.0x88a8:100",
}

func stack(t testing.TB, text string) vlan.Stack {
	t.Helper()
	s, err := vlan.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// on opens a port on an attachment, until the end of the test.
func (w *testWire) on(in *lab.Namespace, a afpacket.Attachment, etherType uint16) (p *afpacket.Port) {
	w.Helper()
	w.do(in, func() (err error) {
		p, err = afpacket.Open(a, etherType)
		return err
	})
	w.Cleanup(func() { p.Close() })
	return p
}

func (w *testWire) trunk(in *lab.Namespace, a afpacket.Attachment, etherType uint16) (p *afpacket.Port) {
	w.Helper()
	w.do(in, func() (err error) {
		p, err = afpacket.OpenTrunk(a, etherType)
		return err
	})
	w.Cleanup(func() { p.Close() })
	return p
}

// insert inserts tags into a frame.
func insert(s vlan.Stack, priority uint8, frame []byte) []byte {
	return s.Insert(frame, priority)
}

// offload sets whether a network card inserts and removes tags itself.
func (w *testWire) offload(in *lab.Namespace, name string, on bool) {
	w.Helper()
	if err := in.OffloadVLAN(name, on); err != nil {
		w.Fatal(err)
	}
}

// TestTagged: two ports on the same VLAN receive each other's frames, for all tags and with or
// without VLAN offload, without tags and unchanged.
func TestTagged(t *testing.T) {
	w := newWire(t)
	for _, offloaded := range []bool{false, true} {
		w.offload(w.near, "near", offloaded)
		w.offload(w.far, "far", offloaded)
		for _, tags := range stacks {
			for _, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
				t.Run(fmt.Sprintf("%s %#x offload %v", tags, etherType, offloaded), func(t *testing.T) {
					w := &testWire{TB: t, near: w.near, far: w.far}
					a := w.on(w.near, afpacket.Attachment{Interface: "near", VLAN: stack(t, tags)}, etherType)
					b := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: stack(t, tags)}, etherType)
					w.exchanges(a, b, etherType)
				})
			}
		}
	}
}

// exchanges sends frames of all lengths, more than a batch has, and reads them.
func (w *testWire) exchanges(a, b *afpacket.Port, etherType uint16) {
	w.Helper()
	var sent [][]byte
	for i := range 100 {
		length := max(wire.HeaderLen, i*a.MTU()/99) // the kernel drops frames with less than two octets after a tag
		sent = append(sent, frame(far, near, etherType, string(bytes.Repeat([]byte{byte(i)}, length))))
	}
	if n, err := a.WriteBatch(sent); n != len(sent) || err != nil {
		w.Fatalf("WriteBatch sent %d frames: %v", n, err)
	}
	for i, got := range w.read(b, len(sent)) {
		if !bytes.Equal(got.Data, sent[i]) {
			w.Fatalf("frame %d is % x, want % x", i, got.Data[:min(len(got.Data), 40)], sent[i][:min(len(sent[i]), 40)])
		}
	}
}

// TestOwnVLANOnly: of frames with all kinds of tags, and without, a port receives those with its
// own tags, and the filter drops all others.
func TestOwnVLANOnly(t *testing.T) {
	w := newWire(t)
	for _, offloaded := range []bool{false, true} {
		w.offload(w.near, "near", offloaded)
		w.offload(w.far, "far", offloaded)
		for _, etherType := range []uint16{wire.EtherTypeDiscovery, wire.EtherTypeSession} {
			t.Run(fmt.Sprintf("%#x offload %v", etherType, offloaded), func(t *testing.T) {
				(&testWire{TB: t, near: w.near, far: w.far}).ownVLANOnly(etherType)
			})
		}
	}
}

func (w *testWire) ownVLANOnly(etherType uint16) {
	w.Helper()
	ports := map[string]*afpacket.Port{"untagged": w.port(w.near, "near", etherType)}
	// A frame with VLAN identifier 0 belongs to no VLAN.
	want := map[string][]string{"untagged": {"untagged", "on 0"}, "0": {"untagged", "on 0"}}
	sent := [][]byte{frame(near, far, etherType, "untagged")}
	for _, tags := range append(stacks, "51", "50.101", "51.100", "100.50", "0.50") {
		s := stack(w, tags)
		ports[tags] = w.on(w.near, afpacket.Attachment{Interface: "near", VLAN: s}, etherType)
		if want[tags] == nil {
			want[tags] = []string{"on " + tags}
		}
		for priority, f := range [][]byte{
			frame(near, far, etherType, "on "+tags),
			frame(other, far, etherType, "for another"),
			frame(near, near, etherType, "our own"),
			frame(near, far, 0x88b5, "another ethertype"),
		} {
			sent = append(sent, insert(s, uint8(priority), f))
		}
	}
	sent = append(sent, frame(near, far, etherType, "end"), insert(stack(w, "50"), 7, frame(near, far, etherType, "end")))
	w.raw(w.far, "far", sent...)
	w.raw(w.near, "near", sent...) // our own frames are not received
	for tags, port := range ports {
		n := len(want[tags])
		if tags == "untagged" || tags == "0" || tags == "50" {
			n++
			want[tags] = append(want[tags], "end")
		}
		if got := payloads(w.read(port, n)); !slices.Equal(got, want[tags]) {
			w.Errorf("the port on %s receives %q, want %q", tags, got, want[tags])
		}
		if s, err := port.Stats(); err != nil || s.Received != uint64(n) {
			w.Errorf("for the port on %s %d frames passed the filter, want %d: %v", tags, s.Received, n, err)
		}
	}
}

// TestTaggedMTU: a frame of the MTU is sent, and a longer one is refused: the kernel allows one tag
// of ethertype 0x8100 beyond an interface's MTU.
func TestTaggedMTU(t *testing.T) {
	w := newWire(t)
	for _, parent := range []int{1500, 1508} {
		for _, n := range []struct {
			in   *lab.Namespace
			name string
		}{{w.near, "near"}, {w.far, "far"}} {
			w.link(n.in, n.name, func(l netlink.Link) error { return netlink.LinkSetMTU(l, parent) })
		}
		for tags, less := range map[string]int{
			"50": 0, "0": 0, "0x88a8:50": 4, "50.100": 8, "0x8100:50.0x8100:100": 4, "0x9100:50.100": 8,
		} {
			on := afpacket.Attachment{Interface: "near", VLAN: stack(t, tags)}
			a := w.on(w.near, on, wire.EtherTypeSession)
			b := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: stack(t, tags)}, wire.EtherTypeSession)
			if a.MTU() != parent-less || on.InterfaceMTU(a.MTU()) != parent {
				t.Errorf("%s on an MTU of %d has %d, want %d, which needs %d", tags, parent, a.MTU(), parent-less, on.InterfaceMTU(a.MTU()))
			}
			long := func(n int) []byte {
				return frame(far, near, wire.EtherTypeSession, strings.Repeat("x", n))
			}
			if n, err := a.WriteBatch([][]byte{long(a.MTU() + 1), long(a.MTU())}); n != 1 || !errors.Is(err, unix.EMSGSIZE) {
				t.Errorf("%s on an MTU of %d: sent %d frames (%v), want one, and one too long", tags, parent, n, err)
			}
			if got := w.read(b, 1); len(got[0].Data) != 14+a.MTU() {
				t.Errorf("%s on an MTU of %d: %d octets came, want %d", tags, parent, len(got[0].Data), 14+a.MTU())
			}
			a.Close()
			b.Close()
		}
	}
}

// TestTrunk: a trunk receives and sends frames of any VLAN, with tags and priorities unchanged.
func TestTrunk(t *testing.T) {
	w := newWire(t)
	for _, offloaded := range []bool{false, true} {
		w.offload(w.near, "near", offloaded)
		w.offload(w.far, "far", offloaded)
		trunk := w.trunk(w.near, afpacket.Attachment{Interface: "near"}, wire.EtherTypeDiscovery)
		for _, tags := range append(stacks, "") {
			var s vlan.Stack
			if tags != "" {
				s = stack(t, tags)
			}
			there := frame(wire.Broadcast, far, wire.EtherTypeDiscovery, "there")
			w.raw(w.far, "far",
				insert(s, 1, frame(near, far, wire.EtherTypeSession, "another ethertype")),
				insert(vlan.Stack{{TPID: 0x8100, VID: 1}}, 1, insert(stack(t, "2.3"), 1, there)),
				insert(s, 5, there))
			if got, want := w.read(trunk, 1)[0].Data, insert(s, 5, there); !bytes.Equal(got, want) {
				t.Errorf("on %q the trunk receives % x, want % x", tags, got, want)
			}
			port := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: s}, wire.EtherTypeDiscovery)
			back := frame(far, near, wire.EtherTypeDiscovery, "back")
			if n, err := trunk.WriteBatch([][]byte{insert(s, 3, back)}); n != 1 {
				t.Fatal(err)
			}
			if got := w.read(port, 1)[0].Data; !bytes.Equal(got, back) {
				t.Errorf("on %q the trunk sends % x, want % x", tags, got, back)
			}
			port.Close()
		}
		trunk.Close()
	}
}

// TestTrunkTooLong: a frame that does not fit its buffer with the tag is not delivered.
func TestTrunkTooLong(t *testing.T) {
	w := newWire(t)
	trunk := w.trunk(w.near, afpacket.Attachment{Interface: "near"}, wire.EtherTypeDiscovery)
	w.raw(w.far, "far",
		insert(stack(t, "50"), 0, frame(near, far, wire.EtherTypeDiscovery, "eleven more")),
		insert(stack(t, "50"), 0, frame(near, far, wire.EtherTypeDiscovery, "ten octets")))
	frames := buffers(2, 14+4+10)
	for {
		n, err := trunk.ReadBatch(frames)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			if got := string(frames[0].Data[18:]); n != 1 || got != "ten octets" {
				t.Errorf("read %d frames, the first %q", n, got)
			}
			return
		}
	}
}

// TestPriority: discovery and PPP's control protocols have one priority, IP packets the other.
func TestPriority(t *testing.T) {
	w := newWire(t)
	for _, tags := range []string{"50", "0", "50.100"} {
		from := afpacket.Attachment{Interface: "near", VLAN: stack(t, tags), ControlPriority: 6, DataPriority: 1}
		for _, c := range []struct {
			etherType uint16
			protocol  uint16
			want      uint8
		}{
			{wire.EtherTypeDiscovery, 0, 6},
			{wire.EtherTypeSession, 0xc021, 6},
			{wire.EtherTypeSession, 0x8021, 6},
			{wire.EtherTypeSession, 0x8057, 6},
			{wire.EtherTypeSession, 0xc223, 6},
			{wire.EtherTypeSession, 0x0021, 1},
			{wire.EtherTypeSession, 0x0057, 1},
		} {
			a := w.on(w.near, from, c.etherType)
			b := w.trunk(w.far, afpacket.Attachment{Interface: "far"}, c.etherType)
			f := frame(far, near, c.etherType, string(binary.BigEndian.AppendUint16([]byte{0x11, 0, 0, 1, 0, 2}, c.protocol)))
			if n, err := a.WriteBatch([][]byte{f}); n != 1 {
				t.Fatal(err)
			}
			if got, want := w.read(b, 1)[0].Data, insert(from.VLAN, c.want, f); !bytes.Equal(got, want) {
				t.Errorf("%s, protocol %#x: % x, want % x", tags, c.protocol, got, want)
			}
			a.Close()
			b.Close()
		}
	}
}

// TestSource: a port can have an address of its own: it sends from that and receives for it, the
// network card is configured for it, and frames for the interface's address are not received.
func TestSource(t *testing.T) {
	w := newWire(t)
	for _, tags := range []string{"", "50", "50.100"} {
		var s vlan.Stack
		if tags != "" {
			s = stack(t, tags)
		}
		a := w.on(w.near, afpacket.Attachment{Interface: "near", VLAN: s, Source: other}, wire.EtherTypeDiscovery)
		if a.Addr() != other {
			t.Errorf("the port's address is %v, want %v", a.Addr(), other)
		}
		if !w.takes(other) {
			t.Errorf("%q: the network card does not receive frames for %v", tags, other)
		}
		elsewhere := vlan.Stack{{TPID: 0x8100, VID: 7}}
		w.raw(w.far, "far",
			insert(s, 0, frame(near, far, wire.EtherTypeDiscovery, "for the interface")),
			insert(elsewhere, 0, frame(other, far, wire.EtherTypeDiscovery, "in another VLAN")),
			insert(s, 0, frame(wire.Broadcast, other, wire.EtherTypeDiscovery, "our own")),
			insert(s, 0, frame(wire.Broadcast, far, wire.EtherTypeDiscovery, "for all")),
			insert(s, 0, frame(other, far, wire.EtherTypeDiscovery, "for us")))
		if got := payloads(w.read(a, 2)); !slices.Equal(got, []string{"for all", "for us"}) {
			t.Errorf("%q: the port receives %q", tags, got)
		}
		a.Close()
		if w.takes(other) {
			t.Errorf("%q: the network card still receives frames for %v after the port was closed", tags, other)
		}
	}
}

// takes reports whether "near" receives frames for an address in addition to its own.
func (w *testWire) takes(addr wire.Addr) (found bool) {
	w.Helper()
	w.link(w.near, "near", func(l netlink.Link) error {
		entries, err := netlink.NeighList(l.Attrs().Index, unix.AF_BRIDGE)
		for _, e := range entries {
			found = found || bytes.Equal(e.HardwareAddr, addr[:])
		}
		return err
	})
	return found
}

func TestAttachmentErrors(t *testing.T) {
	w := newWire(t)
	tag := vlan.Stack{{TPID: vlan.CTag, VID: 50}}
	for _, c := range []struct {
		a    afpacket.Attachment
		want error
		name string
	}{
		{afpacket.Attachment{Interface: "near", Source: wire.Addr{1, 2, 3, 4, 5, 6}}, afpacket.ErrSource, "01:02:03:04:05:06"},
		{afpacket.Attachment{Interface: "near", SourcePrefix: 24}, afpacket.ErrPrefix, "24"},
		{afpacket.Attachment{Interface: "near", Source: other, SourcePrefix: 7}, afpacket.ErrPrefix, "7"},
		{afpacket.Attachment{Interface: "near", Source: other, SourcePrefix: 49}, afpacket.ErrPrefix, "49"},
		{afpacket.Attachment{Interface: "near", VLAN: tag, ControlPriority: 8}, afpacket.ErrPriority, "near.50"},
		{afpacket.Attachment{Interface: "near", VLAN: tag, DataPriority: 9}, afpacket.ErrPriority, "near.50"},
		{afpacket.Attachment{Interface: "near", ControlPriority: 6}, afpacket.ErrNoTag, "near"},
		{afpacket.Attachment{Interface: "nowhere", VLAN: tag}, afpacket.ErrNoInterface, "nowhere.50"},
	} {
		w.do(w.near, func() error {
			if _, err := afpacket.OpenPorts(c.a); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.name) {
				t.Errorf("%v: %v, want %v that names %s", c.a, err, c.want, c.name)
			}
			return nil
		})
	}
}

// TestTaggedNoAllocation: tags do not allocate, in either direction.
func TestTaggedNoAllocation(t *testing.T) {
	for _, tags := range []string{"50", "50.100"} {
		exchange := exchange(newWire(t), stack(t, tags))
		if n := testing.AllocsPerRun(200, exchange); n != 0 {
			t.Errorf("a batch on %s costs %v allocations, want none", tags, n)
		}
	}
}

// BenchmarkTagged is BenchmarkExchange with tags.
func BenchmarkTagged(b *testing.B) {
	for _, tags := range []string{"50", "50.100"} {
		b.Run(tags, func(b *testing.B) {
			exchange := exchange(newWire(b), stack(b, tags))
			b.ReportAllocs()
			b.SetBytes(32 * 1414)
			for b.Loop() {
				exchange()
			}
		})
	}
}
