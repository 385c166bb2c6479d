package datapath

import (
	"testing"
	"testing/synctest"
)

// adopter is an Offload that has session 7 of an earlier process.
type adopter struct{ *fakeOffload }

func (a adopter) Adopts(c SessionConfig) bool { return c.SessionID == 7 }

// countingPath is a Path whose sessions keep what AddCounters adds.
type countingPath struct {
	fakePath
	added Counters
}

func (p *countingPath) Add(SessionConfig) (Session, error) { return p, nil }
func (p *countingPath) AddCounters(c Counters)             { p.added = c }
func (p *countingPath) Counters() Counters                 { return p.added }

// TestOffloadedAdopts: a session that the Offload has is added at once, and keeps its rates until they are set;
// what the Offload has counted is not counted again. Another waits as usual.
func TestOffloadedAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offload := newFakeOffload()
		offload.carried[7] = Counters{SentPackets: 100, ReceivedPackets: 50}
		p := NewOffloaded(&countingPath{fakePath: fakePath{offload: offload}}, adopter{offload}, func(_ SessionConfig, why error) {
			if why != nil {
				t.Error(why)
			}
		})
		s := addSession(t, p, 7)
		addSession(t, p, 8)
		if offload.count() != 1 || len(offload.calls) > 0 {
			t.Errorf("after Add %d sessions are offloaded; calls %v", offload.count(), offload.calls)
		}
		s.AddCounters(Counters{SentPackets: 90, ReceivedPackets: 60})
		if got, want := s.Counters(), (Counters{SentPackets: 100, ReceivedPackets: 60}); got != want {
			t.Errorf("counters %+v, want %+v", got, want)
		}
		up, down := Rate{Bits: 1000}, Rate{Bits: 2000}
		s.SetRates(up, down)
		s.SetFamilies(true, true)
		settle()
		if offload.rates != [2]Rate{up, down} || !offload.allowed4[7] || !offload.allowed6[7] || len(offload.adds) != 1 {
			t.Errorf("rates %v, families %v %v; added %d times", offload.rates, offload.allowed4[7], offload.allowed6[7], len(offload.adds))
		}
	})
}
