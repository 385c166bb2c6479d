package pppoe

import (
	"testing"
	"unsafe"

	"upppoe/pppoe/vlan"
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
