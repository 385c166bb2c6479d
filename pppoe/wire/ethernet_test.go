package wire

import (
	"bytes"
	"testing"

	"upppoe/pppoe/vlan"
)

// TestTaggedFrames: frames with any tags parse, and are encoded with the same tags without
// priority; a priority tag is none. No proper prefix parses.
func TestTaggedFrames(t *testing.T) {
	packet := Discovery{PADI, 0, Tags(nil).Append(TagServiceName, nil)}
	for want, tags := range map[vlan.Stack][]byte{
		{}:                       nil,
		{{TPID: 0x8100, VID: 5}}: {0x81, 0, 0xe0, 5},
		{{TPID: 0x88a8, VID: 5}, {TPID: 0x8100, VID: 6}}: {0x88, 0xa8, 0x20, 5, 0x81, 0, 0, 6},
		{{TPID: 0x9100, VID: 5}}:                         {0x91, 0, 0, 5},
		{{TPID: 0x88a8, VID: 0}, {TPID: 0x8100, VID: 6}}: {0x88, 0xa8, 0, 0, 0x81, 0, 0, 6},
	} {
		b := append(append(append([]byte(nil), Broadcast[:]...), hostAddr[:]...), tags...)
		b = packet.AppendTo(append(b, 0x88, 0x63))
		f, err := ParseDiscoveryFrame(b)
		if err != nil || f.VLAN != want || f.Dst != Broadcast || f.Src != hostAddr || f.Code != PADI {
			t.Errorf("% x parses as %+v, %v", b, f, err)
		}
		for n := range len(b) {
			if f, err := ParseDiscoveryFrame(b[:n]); err == nil {
				t.Errorf("% x parses as %+v", b[:n], f)
			}
		}
		if again, err := ParseDiscoveryFrame(f.AppendTo(nil)); err != nil || again.VLAN != want || len(f.AppendTo(nil)) != len(b) {
			t.Errorf("% x is encoded as % x (%v)", b, f.AppendTo(nil), err)
		}
		b[len(b)-1]++
		if bytes.Equal(f.Tags, b[len(b)-len(f.Tags):]) {
			t.Error("the tags alias the frame")
		}
	}
	priority := vlan.Stack{{TPID: vlan.CTag}}.Insert(DiscoveryFrame{Dst: Broadcast, Src: hostAddr, Discovery: packet}.AppendTo(nil), 7)
	if f, err := ParseDiscoveryFrame(priority); err != nil || f.VLAN != (vlan.Stack{}) {
		t.Errorf("with a priority tag: %+v, %v", f, err)
	}
	other := []byte("\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x00\x01\x08\x00\x11\x09\x00\x00\x00\x00")
	if _, err := ParseDiscoveryFrame(other); err != ErrCode {
		t.Errorf("another ethertype: %v", err)
	}
}

// TestTaggedSession: a session frame with tags is one without, with the tags inserted.
func TestTaggedSession(t *testing.T) {
	tags := vlan.Stack{{TPID: vlan.STag, VID: 5}, {TPID: vlan.CTag, VID: 6}}
	untagged := AppendSessionFrame(nil, acAddr, hostAddr, 7, []byte("frame"))
	if got := AppendTaggedSession(nil, acAddr, hostAddr, tags, 7, []byte("frame")); !bytes.Equal(got, tags.Insert(untagged, 0)) {
		t.Errorf("% x", got)
	}
}
