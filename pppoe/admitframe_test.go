package pppoe

import (
	"testing"
	"time"

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

// TestKnownClient: while PADIs arrive faster than they are answered, a client whose PADR had a valid
// cookie before is answered, and others are not.
func TestKnownClient(t *testing.T) {
	a := newAccess(AccessConfig{}, 1)
	known, other := limit.Origin{Client: wire.Addr{2, 1}}, limit.Origin{Client: wire.Addr{2, 2}}
	if err := a.admitPADR(epoch, known); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[limit.Origin]error{known: nil, other: limit.ErrBusy} {
		if err := a.admit(epoch, wire.PADI, from, true); err != want {
			t.Errorf("%v: %v, want %v", from.Client, err, want)
		}
	}
}

// orderOwner records the codes of the packets that the loop handles.
type orderOwner struct {
	nopOwner
	codes []wire.Code
}

func (o *orderOwner) handleDiscovery(_ time.Time, frame []byte) {
	code, _, _ := discoveryCode(frame)
	o.codes = append(o.codes, code)
}

// TestPADIsComeLast: a PADR does not wait behind the PADIs of a flood, however many wait.
func TestPADIsComeLast(t *testing.T) {
	o := &orderOwner{}
	l := &loop{owner: o, discovery: newInbox(inboxSize), control: newInbox(inboxSize), padis: newInbox(padiInbox)}
	frame := func(code wire.Code, from byte) []byte {
		return wire.DiscoveryFrame{Dst: acAddr, Src: wire.Addr{2, from}, Discovery: wire.Discovery{Code: code}}.AppendTo(nil)
	}
	for i := range 200 {
		l.padis.put(frame(wire.PADI, byte(i)))
	}
	l.discovery.put(frame(wire.PADR, 1))
	l.receiveMore(epoch)
	if len(o.codes) != maxBatch || o.codes[0] != wire.PADR || o.codes[1] != wire.PADI {
		t.Errorf("%d packets are handled, the first %v", len(o.codes), o.codes[:min(2, len(o.codes))])
	}
}
