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
	a := newAttachments("eth0", 3)
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
	a := newAttachments("eth0", maxSessions)
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
	l := newServerLoop(s, at, 0, newAttachments("s", 4))
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
	if len(l.attachments.by)+len(l.waiting)+len(l.byRequest)+l.loop.sessions.Len() != 0 {
		t.Errorf("left behind: %d VLANs, %d waiting requests, %d requests, %d sessions", len(l.attachments.by), len(l.waiting), len(l.byRequest), l.loop.sessions.Len())
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
