package afpacket_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

func vlanSet(t testing.TB, text string) vlan.Set {
	t.Helper()
	s, err := vlan.ParseSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// trunkPorts opens the ports of a trunk on "near", until the end of the test.
func (w *testWire) trunkPorts(a afpacket.Trunk, sessions int) (all pppoe.Ports) {
	w.Helper()
	a.Interface = "near"
	w.do(w.near, func() (err error) {
		all, err = afpacket.OpenTrunkQueues(a, sessions)
		return err
	})
	w.Cleanup(func() { all.Close() })
	return all
}

// tagsOf parses tags, or none.
func tagsOf(t testing.TB, text string) (s vlan.Stack) {
	if text == "" || text == "untagged" {
		return s
	}
	return stack(t, text)
}

// TestTrunkSet: the kernel passes to a trunk exactly the frames of its VLANs for its address; they
// arrive with their tags, without a priority tag.
func TestTrunkSet(t *testing.T) {
	w := newWire(t)
	for _, offloaded := range []bool{false, true} {
		w.offload(w.near, "near", offloaded)
		w.offload(w.far, "far", offloaded)
		for set, wanted := range map[string]string{
			"untagged,40-59,100-199.1-4094": "untagged 0 40 50 59 100.4094",
			"0x9100:50,50.1-100":            "0x9100:50 50.100 50.50",
			"any":                           "untagged 0 39 40 50 59 60 100.4094 0x9100:50 50.100 50.50 50.0 0x88a8:50",
		} {
			all := w.trunkPorts(afpacket.Trunk{VLANs: vlanSet(t, set)}, 1)
			for etherType, port := range map[uint16]*afpacket.Port{
				wire.EtherTypeDiscovery: all.Discovery.(*afpacket.Port), wire.EtherTypeSession: all.Session.(*afpacket.Port),
			} {
				var want []string
				for _, text := range strings.Fields("untagged 0 39 40 50 59 60 100.4094 0x9100:50 50.100 50.50 50.0 0x88a8:50 untagged") {
					payload := "for " + text
					w.raw(w.far, "far",
						insert(tagsOf(t, text), 5, frame(near, far, etherType, payload)),
						insert(tagsOf(t, text), 5, frame(other, far, etherType, payload)),
						insert(tagsOf(t, text), 5, frame(near, near, etherType, payload)),
						insert(tagsOf(t, text), 5, frame(near, far, 0x88b5, payload)))
					if text == "0" {
						text = "untagged"
					}
					if vlanSet(t, set).Contains(tagsOf(t, text)) {
						want = append(want, string(insert(tagsOf(t, text), 5, frame(near, far, etherType, payload))))
					}
				}
				if len(want) < len(strings.Fields(wanted)) {
					t.Fatalf("%s: %d frames are wanted", set, len(want))
				}
				for i, f := range w.read(port, len(want)) {
					if string(f.Data) != want[i] {
						t.Errorf("%s, offload %v, %#x: received %q, want %q", set, offloaded, etherType, f.Data, want[i])
					}
				}
				if s, err := port.Stats(); err != nil || s.Received != uint64(len(want)) {
					t.Errorf("%s, offload %v, %#x: %d frames passed the filter, want %d: %v", set, offloaded, etherType, s.Received, len(want), err)
				}
			}
			all.Close()
		}
	}
}

// TestTrunkPriority: control and data frames get the trunk's priorities in all tags; a trunk
// without priorities sends tags as they are.
func TestTrunkPriority(t *testing.T) {
	w := newWire(t)
	there := w.trunk(w.far, afpacket.Attachment{Interface: "far"}, wire.EtherTypeSession)
	for _, c := range []struct {
		control, data uint8
		protocol      uint16
		want          uint8
	}{{6, 1, 0xc021, 6}, {6, 1, 0x0021, 1}, {6, 1, 0x0057, 1}, {6, 0, 0x0021, 0}, {0, 3, 0x8021, 0}, {0, 0, 0x0021, 2}} {
		all := w.trunkPorts(afpacket.Trunk{
			Attachment: afpacket.Attachment{ControlPriority: c.control, DataPriority: c.data}, VLANs: vlan.Any(),
		}, 1)
		for _, text := range []string{"", "50", "50.100", "0x9100:50"} {
			tags := tagsOf(t, text)
			f := frame(far, near, wire.EtherTypeSession, string(binary.BigEndian.AppendUint16([]byte{0x11, 0, 0, 1, 0, 2}, c.protocol)))
			given, want := insert(tags, 2, f), insert(tags, c.want, f)
			if n, err := all.Session.WriteBatch([][]byte{given}); n != 1 {
				t.Fatal(err)
			}
			head := len(given) - 2
			if n, err := all.Session.(*afpacket.Port).WriteGather([][2][]byte{{given[:head], given[head:]}, {given, nil}}); n != 2 {
				t.Fatal(err)
			}
			for i, got := range w.read(there, 3) {
				if i != 1 && !bytes.Equal(got.Data, want) || len(got.Data) != len(want) {
					t.Errorf("%+v on %q: frame %d is % x, want % x", c, text, i, got.Data, want)
				}
			}
			if !bytes.Equal(given, insert(tags, 2, f)) {
				t.Errorf("%+v on %q: the caller's frame has changed", c, text)
			}
		}
		all.Close()
	}
}

// TestTrunkQueues: the kernel distributes the frames of all VLANs over a trunk's ports as it does
// those of one VLAN.
func TestTrunkQueues(t *testing.T) {
	for _, tags := range []string{"", "50", "50.100", "0x9100:50", "0x9100:50.100"} {
		t.Run(tags, func(t *testing.T) {
			w := newWire(t)
			if err := w.near.Offload("near", true, lab.GRO); err != nil {
				t.Fatal(err)
			}
			all := w.trunkPorts(afpacket.Trunk{VLANs: vlan.Any()}, ports)
			from := w.on(w.far, afpacket.Attachment{Interface: "far", VLAN: tagsOf(t, tags)}, wire.EtherTypeSession)
			checkTaggedFanout(t, from, near, tagsOf(t, tags), listenAll(t, all))
		})
	}
}

// TestTrunkPayloadMTU: what a trunk says that tags leave of the MTU is sent, and one more octet is
// not.
func TestTrunkPayloadMTU(t *testing.T) {
	w := newWire(t)
	all := w.trunkPorts(afpacket.Trunk{VLANs: vlan.Any()}, 1)
	there := w.trunk(w.far, afpacket.Attachment{Interface: "far"}, wire.EtherTypeSession)
	for text, want := range map[string]int{"": 1500, "50": 1500, "0x88a8:50": 1496, "50.100": 1492, "0x8100:50.0x8100:100": 1496} {
		tags := tagsOf(t, text)
		n := all.PayloadMTU(tags)
		if n != want {
			t.Errorf("%q: %d octets, want %d", text, n, want)
		}
		long := func(n int) []byte {
			return insert(tags, 0, frame(far, near, wire.EtherTypeSession, strings.Repeat("x", n)))
		}
		if sent, err := all.Session.WriteBatch([][]byte{long(n + 1), long(n)}); sent != 1 || !errors.Is(err, unix.EMSGSIZE) {
			t.Errorf("%q: %d frames sent (%v), want one, and one too long", text, sent, err)
		}
		if got := w.read(there, 1)[0].Data; len(got) > 14+all.Session.MTU() || !bytes.Equal(got, long(n)) {
			t.Errorf("%q: %d octets came, want %d", text, len(got), len(long(n)))
		}
	}
}

// TestTrunkErrors: errors name the interface, and leave no port open.
func TestTrunkErrors(t *testing.T) {
	w := newWire(t)
	for _, c := range []struct {
		a    afpacket.Attachment
		want error
	}{
		{afpacket.Attachment{Interface: "near", Source: wire.Addr{1, 2, 3, 4, 5, 6}}, afpacket.ErrSource},
		{afpacket.Attachment{Interface: "near", ControlPriority: 8}, afpacket.ErrPriority},
		{afpacket.Attachment{Interface: "nowhere"}, afpacket.ErrNoInterface},
	} {
		w.do(w.near, func() error {
			ports, err := afpacket.OpenTrunkQueues(afpacket.Trunk{Attachment: c.a, VLANs: vlan.Any()}, 2)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.a.Interface+": ") || ports.Discovery != nil {
				t.Errorf("%v: %v, want %v", c.a, err, c.want)
			}
			return nil
		})
	}
}

// TestTrunkShared: a trunk with untagged frames reports other programs on them.
func TestTrunkShared(t *testing.T) {
	w := newWire(t)
	tagged := w.trunkPorts(afpacket.Trunk{VLANs: vlanSet(t, "1-4094")}, 1)
	all := w.trunkPorts(afpacket.Trunk{VLANs: vlanSet(t, "untagged,1-4094")}, 2)
	if tagged.Shared != nil || all.Shared == nil {
		t.Fatal("sharing is reported by the wrong ports")
	}
	w.do(w.near, func() error {
		if all.Shared() {
			t.Error("our own ports count as another program's")
		}
		return nil
	})
	w.port(w.near, "near", wire.EtherTypeSession)
	w.do(w.near, func() error {
		if !all.Shared() {
			t.Error("another program's port is not reported")
		}
		return nil
	})
}

// TestTrunkNoAllocation: the tags of a trunk do not allocate, in either direction.
func TestTrunkNoAllocation(t *testing.T) {
	w := newWire(t)
	all := w.trunkPorts(afpacket.Trunk{Attachment: afpacket.Attachment{DataPriority: 1}, VLANs: vlan.Any()}, 1)
	there := w.trunk(w.far, afpacket.Attachment{Interface: "far"}, wire.EtherTypeSession)
	out := [][]byte{insert(stack(t, "50.100"), 0, frame(far, near, wire.EtherTypeSession, strings.Repeat("x", 60)))}
	back := [][]byte{insert(stack(t, "50.100"), 0, frame(near, far, wire.EtherTypeSession, strings.Repeat("x", 60)))}
	frames := buffers(4, 1530)
	if n := testing.AllocsPerRun(200, func() {
		all.Session.WriteBatch(out)
		there.ReadBatch(frames)
		there.WriteBatch(back)
		all.Session.ReadBatch(frames)
	}); n != 0 {
		t.Errorf("two frames cost %v allocations, want none", n)
	}
}

// TestTrunkLargeSets: the kernel accepts the filters of sets of all sizes; up to a number of ranges
// they are exact.
func TestTrunkLargeSets(t *testing.T) {
	w := newWire(t)
	for _, n := range []int{1, 30, 60, 90, 120, 200, 2000} {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprint(1+2*i))
		}
		all := w.trunkPorts(afpacket.Trunk{VLANs: vlanSet(t, strings.Join(list, ","))}, 1)
		last := stack(t, list[n-1])
		in := insert(last, 0, frame(near, far, wire.EtherTypeDiscovery, "in"))
		w.raw(w.far, "far", insert(stack(t, "4"), 0, frame(near, far, wire.EtherTypeDiscovery, "out")), in)
		exact := n <= 60
		frames := w.read(all.Discovery.(*afpacket.Port), 1)
		if got := string(frames[0].Data); exact && got != string(in) {
			t.Errorf("%d ranges: received %q", n, got)
		}
		all.Close()
	}
}
