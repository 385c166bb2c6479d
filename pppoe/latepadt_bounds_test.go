package pppoe

import (
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

// TestLatePADTBounds: what remains to be sent holds each session once, and no more than the limit.
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

// TestLatePADTStopped: a loop that has stopped leaves what it has not repeated to the next one,
// and a loop that has nothing to repeat needs no timer.
func TestLatePADTStopped(t *testing.T) {
	padts := []wire.DiscoveryFrame{wire.NewPADT(wire.Addr{2, 2}, wire.Addr{2, 1}, 1, "")}
	o := &serverLoop{loop: &loop{ports: Ports{Discovery: noPort{}}}}
	if o.startLatePADTs(epoch); !o.deadline().IsZero() {
		t.Errorf("without PADTs the deadline is %v", o.deadline())
	}
	o.latePADTs.frames = padts
	o.startLatePADTs(epoch)
	o.stop(epoch)
	if o.advance(epoch.Add(latePADTWaits[0])); !o.deadline().IsZero() || o.latePADTs.sent != 1 || len(o.latePADTs.frames) != 1 {
		t.Errorf("after the stop it has %+v, want one PADT, sent once, and no deadline", o.latePADTs)
	}
	o.latePADTs = latePADTs{frames: padts}
	if o.startLatePADTs(epoch); o.latePADTs.sent != 0 || len(o.latePADTs.frames) != 1 {
		t.Errorf("after the stop it has %+v, want one PADT that was not sent", o.latePADTs)
	}
}
