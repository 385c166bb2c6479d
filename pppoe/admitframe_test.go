package pppoe

import (
	"testing"

	"upppoe/pppoe/limit"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// TestAdmitFrame: limits count the frames of the VLANs that are served, each VLAN apart; a priority
// tag is none. PADTs and frames that are not valid are left to the loop.
func TestAdmitFrame(t *testing.T) {
	served, err := vlan.ParseSet("untagged,7-8")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{access: newAccess(AccessConfig{PADIs: limit.Limits{VLAN: 1}}, 1)}
	l := &serverLoop{server: s, loop: &loop{discovery: newInbox(inboxSize), padis: newInbox(padiInbox)}, listener: Listener{VLANs: served, Ports: Ports{PayloadMTU: func(vlan.Stack) int { return 1500 }}}}
	tooMany := limit.Exceeded{What: limit.PADIs, Scope: limit.PerVLAN}
	for _, c := range []struct {
		vid  int // -1: untagged
		code wire.Code
		want error
	}{
		{7, wire.PADI, nil}, {7, wire.PADI, tooMany}, {8, wire.PADI, nil}, {9, wire.PADI, ErrVLAN}, {9, wire.PADT, ErrVLAN}, {-1, wire.PADI, nil}, {0, wire.PADI, tooMany},
		{7, wire.PADT, nil}, {7, wire.PADT, nil}, {7, wire.PADR, nil},
	} {
		frame := wire.DiscoveryFrame{Dst: wire.Broadcast, Src: wire.Addr{2, 9}, Discovery: wire.Discovery{Code: c.code}}
		if c.vid >= 0 {
			frame.VLAN = vlan.Stack{{TPID: vlan.CTag, VID: uint16(c.vid)}}
		}
		b := frame.AppendTo(nil)
		if _, got := l.admitFrame(epoch, b); got != c.want {
			t.Errorf("%v in VLAN %d: %v, want %v", c.code, c.vid, got, c.want)
		}
		for n := range len(b) {
			if _, err := l.admitFrame(epoch, b[:n]); err != nil {
				t.Errorf("%d octets of a frame: %v", n, err)
			}
		}
	}
}
