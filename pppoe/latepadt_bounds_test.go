package pppoe

import (
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

// TestLatePADTBounds: the PADTs to be sent contain each session once, and no more than the limit.
func TestLatePADTBounds(t *testing.T) {
	local := wire.Addr{2, 1}
	var padts []wire.DiscoveryFrame
	for i := range byte(6) {
		padts = append(padts, wire.NewPADT(wire.Addr{2, 2, i}, local, uint16(i)+1, ""))
	}
	padts = append(padts, padts[4], wire.NewPADT(wire.Addr{2, 3}, local, 5, ""), wire.NewPADT(wire.Addr{2, 3}, wire.Addr{2, 4}, 5, ""))
	var ids []uint16
	for _, f := range latestPADTs(padts, 5) {
		ids = append(ids, f.SessionID)
	}
	if want := []uint16{4, 6, 5, 5, 5}; !slices.Equal(ids, want) {
		t.Errorf("kept are the PADTs of %v, want %v", ids, want)
	}
}

// TestLatePADTStopped: a loop that has stopped leaves its PADTs to the next one, and a loop without
// PADTs needs no timer.
func TestLatePADTStopped(t *testing.T) {
	padts := []wire.DiscoveryFrame{wire.NewPADT(wire.Addr{2, 2}, wire.Addr{2, 1}, 1, "")}
	l := &serverLoop{loop: &loop{ports: Ports{Discovery: noPort{}}}}
	if l.startLatePADTs(epoch); !l.deadline().IsZero() {
		t.Errorf("without PADTs the deadline is %v", l.deadline())
	}
	l.latePADTs.frames = padts
	l.startLatePADTs(epoch)
	l.stop(epoch)
	if l.advance(epoch.Add(latePADTWaits[0])); !l.deadline().IsZero() || l.latePADTs.sent != 1 || len(l.latePADTs.frames) != 1 {
		t.Errorf("after the stop it has %+v, want one PADT, sent once, and no deadline", l.latePADTs)
	}
	l.latePADTs = latePADTs{frames: padts}
	if l.startLatePADTs(epoch); l.latePADTs.sent != 0 || len(l.latePADTs.frames) != 1 {
		t.Errorf("after the stop it has %+v, want one PADT that was not sent", l.latePADTs)
	}
}
