package pppoe

import (
	"net"
	"testing"
	"time"
	"unsafe"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// TestAttachments: each VLAN has all IDs; a VLAN is remembered while it has sessions, and asking
// about others adds none.
func TestAttachments(t *testing.T) {
	a := newAttachments("eth0", 3, SessionIDs{})
	in := func(vid uint16) vlan.Stack { return vlan.Stack{{TPID: vlan.CTag, VID: vid}} }
	for vid := range uint16(4000) {
		if a.name(in(vid)) == "" || !a.isFree(in(vid), 3) || a.isFree(in(vid), 4) || a.isFree(in(vid), 0) {
			t.Fatalf("VLAN %d without sessions: wrong", vid)
		}
	}
	if len(a.by) != 0 {
		t.Errorf("%d VLANs without sessions are remembered", len(a.by))
	}
	for _, vid := range []uint16{5, 6} {
		for range 3 {
			if _, ok := a.assign(in(vid)); !ok {
				t.Fatalf("VLAN %d has not all session IDs", vid)
			}
		}
		if _, ok := a.assign(in(vid)); ok || a.isFree(in(vid), 1) {
			t.Errorf("VLAN %d has a session too many", vid)
		}
		if first, again := a.name(in(vid)), a.name(in(vid)); unsafe.StringData(first) != unsafe.StringData(again) {
			t.Errorf("VLAN %d has two copies of its name", vid)
		}
	}
	if a.name(in(5)) != "eth0.5" || a.name(vlan.Stack{}) != "eth0" {
		t.Errorf("names: %q, %q", a.name(in(5)), a.name(vlan.Stack{}))
	}
	for id := range uint16(3) {
		a.release(in(5), id+1)
	}
	if len(a.by) != 1 || a.by[in(6)] == nil {
		t.Errorf("%d VLANs are remembered, want VLAN 6", len(a.by))
	}
}

// TestAttachmentsLateReuse: an ID is not used again at once, though its VLAN was forgotten.
func TestAttachmentsLateReuse(t *testing.T) {
	a := newAttachments("eth0", maxSessions, SessionIDs{})
	for want := uint16(1); want < 10; want++ {
		id, _ := a.assign(vlan.Stack{})
		if id != want {
			t.Errorf("ID %d, want %d", id, want)
		}
		a.release(vlan.Stack{}, id)
	}
}

// TestForgedVLANs: PADIs, PADRs and session frames with forged tags leave nothing behind in a
// server's loop.
func TestForgedVLANs(t *testing.T) {
	s := &Server{slots: newSlots(4, 0, AccessConfig{})}
	s.setCurrent(ServerConfig{Concentrator: discovery.ConcentratorConfig{ACName: "ac"}})
	s.cfg = *s.current.Load()
	at := Listener{Interface: "s", VLANs: vlan.Any(), Ports: Ports{Discovery: nullPort{}, Session: nullPort{}, PayloadMTU: func(vlan.Stack) int { return 1500 }}}
	l := newServerLoop(s, at, 0, newAttachments("s", 4, SessionIDs{}))
	now := time.Now()
	for i := range 10_000 {
		tags := vlan.Stack{{TPID: vlan.STag, VID: uint16(i / 4094)}, {TPID: vlan.CTag, VID: uint16(i%4094 + 1)}}
		peer := wire.Addr{2, 3: byte(i >> 8), 4: byte(i)}
		for _, code := range []wire.Code{wire.PADI, wire.PADR, wire.PADT} {
			f := wire.DiscoveryFrame{Dst: nullPort{}.Addr(), Src: peer, VLAN: tags, Discovery: wire.Discovery{Code: code, Tags: wire.Tags(nil).Append(wire.TagServiceName, nil)}}
			l.handleDiscovery(now, f.AppendTo(nil))
		}
		l.loop.receiveSession(now, wire.AppendTaggedSession(nil, nullPort{}.Addr(), peer, tags, 1, []byte{0xc0, 0x21, 9, 1, 0, 4}))
	}
	if len(l.attachments.by)+len(l.waiting)+l.byRequest.Len()+l.loop.sessions.Len() != 0 {
		t.Errorf("left behind: %d VLANs, %d waiting requests, %d requests, %d sessions", len(l.attachments.by), len(l.waiting), l.byRequest.Len(), l.loop.sessions.Len())
	}
	drops := l.loop.drops.read()
	if drops[discovery.ErrCookie] != 10_000 || drops[discovery.ErrNotOurs] != 20_000 {
		t.Errorf("dropped: %v", drops)
	}
}

// nullPort is a port that sends and receives nothing.
type nullPort struct{}

func (nullPort) ReadBatch([]datapath.Frame) (int, error) { return 0, net.ErrClosed }
func (nullPort) WriteBatch(frames [][]byte) (int, error) { return len(frames), nil }
func (nullPort) Addr() wire.Addr                         { return wire.Addr{2, 1} }
func (nullPort) MTU() int                                { return 1508 }
func (nullPort) Close() error                            { return nil }

// TestSessionIDsOffset: session IDs from an offset on, in order or at random; those of others are not free,
// and the offset leaves as many as there are.
func TestSessionIDsOffset(t *testing.T) {
	in := vlan.Stack{}
	for _, random := range []bool{false, true} {
		a := newAttachments("eth0", 100, SessionIDs{Offset: 65500, Random: random})
		orders := map[uint16]int{}
		for n := range 34 {
			id, ok := a.assign(in)
			if !ok || id <= 65500 || id > maxSessions || a.isFree(in, id) {
				t.Fatalf("random %v: ID %d, %v", random, id, ok)
			}
			orders[id] = n
		}
		if id, ok := a.assign(in); ok || len(orders) != 34 {
			t.Errorf("of 34 IDs %d is the 35th, %v; %d differ", id, ok, len(orders))
		}
		if a.release(in, 65510); !a.isFree(in, 65510) || a.isFree(in, 65500) || a.isFree(in, 10) {
			t.Error("an ID that was released is not free, or one of others is")
		}
		if id, ok := a.assign(in); !ok || id != 65510 {
			t.Errorf("the only free ID is 65510, not %d", id)
		}
		if inOrder := orders[65501] == 0 && orders[65534] == 33 && orders[65517] == 16; inOrder == random {
			t.Errorf("random %v: %v", random, orders)
		}
	}
}

// TestTagsOf: the tags of an attachment's name at a listener's ports, of one VLAN and of many.
func TestTagsOf(t *testing.T) {
	many := vlan.Any()
	for _, c := range []struct {
		listener   Listener
		attachment string
		tags       string // empty: it is not of the listener
	}{
		{Listener{Interface: "eth0"}, "eth0", "untagged"},
		{Listener{Interface: "eth0"}, "eth0.50", ""},
		{Listener{Interface: "eth0.50"}, "eth0.50", "untagged"},
		{Listener{Interface: "eth0.50"}, "eth0", ""},
		{Listener{Interface: "eth0", VLANs: many}, "eth0", "untagged"},
		{Listener{Interface: "eth0", VLANs: many}, "eth0.50", "50"},
		{Listener{Interface: "eth0", VLANs: many}, "eth0.50.100", "50.100"},
		{Listener{Interface: "eth0", VLANs: many}, "eth0.0x88a8:50", "0x88a8:50"},
		{Listener{Interface: "eth0", VLANs: many}, "eth0.5000", ""},
		{Listener{Interface: "eth0", VLANs: many}, "eth01.50", ""},
		{Listener{Interface: "eth0", VLANs: many}, "eth1.50", ""},
		{Listener{Interface: "eth0.50", VLANs: many}, "eth0.50.100", "100"},
	} {
		tags, ok := c.listener.tagsOf(c.attachment)
		if ok != (c.tags != "") || ok && tags.String() != c.tags {
			t.Errorf("%s at %s: %v, %v, want %q", c.attachment, c.listener.Interface, tags, ok, c.tags)
		}
	}
}
