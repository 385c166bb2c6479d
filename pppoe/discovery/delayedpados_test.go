package discovery

import (
	"encoding/binary"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// pado returns a PADO for a client with a Host-Uniq, whose AC-Name is text.
func pado(in vlan.Stack, to wire.Addr, uniq, text string) wire.DiscoveryFrame {
	f := answer(wire.PADO, 0, tag(wire.TagACName, text), tag(wire.TagHostUniq, uniq))
	f.Dst, f.VLAN = to, in
	return f
}

// popAll returns the AC-Names of the PADOs that are due.
func popAll(d *DelayedPADOs, now time.Time) (names []string) {
	for f, ok := d.Pop(now); ok; f, ok = d.Pop(now) {
		name, _ := f.Tags.Find(wire.TagACName)
		names = append(names, string(name))
	}
	return names
}

// TestDelayedPADOs: each client gets its last PADO when its first was due; a client is an address,
// a VLAN, and a Host-Uniq.
func TestDelayedPADOs(t *testing.T) {
	var d DelayedPADOs
	one, two := vlan.Stack{{TPID: vlan.CTag, VID: 1}}, vlan.Stack{{TPID: vlan.CTag, VID: 2}}
	d.Add(epoch.Add(3*ms), pado(one, hostAddr, "u", "a"))
	d.Add(epoch.Add(2*ms), pado(two, hostAddr, "u", "b"))
	d.Add(epoch.Add(4*ms), pado(one, hostAddr, "v", "c"))
	d.Add(epoch.Add(5*ms), pado(one, acAddr, "u", "d"))
	d.Add(epoch.Add(6*ms), pado(one, hostAddr, "u", "A"))
	if f, ok := d.Pop(epoch.Add(2*ms - 1)); ok {
		t.Errorf("a PADO for %v in VLAN %v is due", f.Dst, f.VLAN)
	}
	if f, ok := d.Pop(epoch.Add(2 * ms)); !ok || f.VLAN != two || f.Dst != hostAddr {
		t.Errorf("the first PADO is for %v in VLAN %v, %v", f.Dst, f.VLAN, ok)
	}
	if d.Next() != epoch.Add(3*ms) {
		t.Errorf("the next is due at %v", d.Next())
	}
	if names := popAll(&d, epoch.Add(time.Hour)); len(names) != 3 || names[0] != "A" || names[1] != "c" || names[2] != "d" {
		t.Errorf("%q", names)
	}
	if !d.Next().IsZero() || d.octets != 0 || len(d.queued) != 0 {
		t.Errorf("when all are sent, %v is next, with %d octets and %d keys", d.Next(), d.octets, len(d.queued))
	}
}

// TestDelayedPADOsBounds: beyond the bounds, PADOs are sent early, the first ones first, and no
// more of them than needed.
func TestDelayedPADOsBounds(t *testing.T) {
	for _, c := range []struct {
		uniq int // octets
		max  int
	}{{4, maxDelayed}, {1400, maxDelayedOctets / 1408}} {
		var d DelayedPADOs
		early := 0
		for i := range maxDelayed + 1000 {
			uniq := binary.BigEndian.AppendUint32(make([]byte, 0, c.uniq), uint32(i))
			d.Add(epoch.Add(time.Duration(i)*ms), pado(vlan.Stack{}, hostAddr, string(uniq[:c.uniq]), ""))
			for f, ok := d.Pop(epoch.Add(-1)); ok; f, ok = d.Pop(epoch.Add(-1)) {
				if v, _ := f.Tags.Find(wire.TagHostUniq); int(binary.BigEndian.Uint32(v)) != early {
					t.Fatalf("PADO %x is sent early, want %d", v[:4], early)
				}
				early++
			}
		}
		if left := maxDelayed + 1000 - early; left < c.max-10 || left > c.max || len(d.queued) != left {
			t.Errorf("Host-Uniq of %d octets: %d PADOs are queued, want %d", c.uniq, left, c.max)
		}
	}
}
