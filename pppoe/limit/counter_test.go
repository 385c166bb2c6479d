package limit

import (
	"slices"
	"testing"
)

// TestCounter: each scope has its own limit, and an end makes room.
func TestCounter(t *testing.T) {
	at := inVLAN(7, address(1))
	for scope, other := range map[Scope]Origin{
		PerClient:    inVLAN(7, address(2)),
		PerVLAN:      inVLAN(8, address(1)),
		PerInterface: {Interface: 1, VLAN: at.VLAN, Client: at.Client},
		Total:        {},
	} {
		var limits Limits
		*limits.of(scope) = 2
		c := NewCounter(HalfOpen, limits)
		for range 2 {
			if err := c.Admit(at); err != nil {
				t.Errorf("%v: %v", scope, err)
			}
			c.Add(at)
		}
		if err := c.Admit(at); err != (Exceeded{HalfOpen, scope}) {
			t.Errorf("%v: a third session: %v", scope, err)
		}
		if err := c.Admit(other); (err == nil) == (scope == Total) {
			t.Errorf("%v: a session of %v: %v", scope, other, err)
		}
		c.Remove(at)
		if err := c.Admit(at); err != nil || c.Total() != 1 {
			t.Errorf("%v: after one of two has ended: %v, %d sessions", scope, err, c.Total())
		}
		c.Remove(at)
		if len(c.clients)+len(c.vlans)+len(c.ifaces) != 0 {
			t.Errorf("%v: without sessions, %v %v %v are left", scope, c.clients, c.vlans, c.ifaces)
		}
	}
}

// TestCounterLimitsChange: new limits apply to what comes then.
func TestCounterLimitsChange(t *testing.T) {
	c, at := NewCounter(Sessions, Limits{}), inVLAN(7, address(1))
	for range 3 {
		c.Add(at)
	}
	added := slices.Values([]Origin{at, at, at})
	c.SetLimits(Limits{VLAN: 3}, added)
	if err := c.Admit(at); err != (Exceeded{Sessions, PerVLAN}) {
		t.Errorf("%v", err)
	}
	c.SetLimits(Limits{VLAN: 4}, added)
	if err := c.Admit(at); err != nil {
		t.Errorf("%v", err)
	}
	c.SetLimits(Limits{Client: 3}, added)
	c.SetLimits(Limits{Client: 3}, added) // these are not counted twice
	if err := c.Admit(at); err != (Exceeded{Sessions, PerClient}) {
		t.Errorf("%v", err)
	}
	c.Remove(at)
	if err := c.Admit(at); err != nil {
		t.Errorf("%v", err)
	}
}
