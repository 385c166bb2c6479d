package pppoe

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ipcp"
	"upppoe/pppoe/wire"
)

// movingNetwork is a slowNetwork with VRFs, which records what it configures.
type movingNetwork struct {
	*slowNetwork
	calls []string
}

func (*movingNetwork) CheckVRF(string) error { return nil }

func (n *movingNetwork) Configure(l SessionInfo, have, want Addressing) error {
	n.calls = append(n.calls, fmt.Sprintf("%s %v", want.VRF, want.HasIPv4()))
	return n.slowNetwork.Configure(l, have, want)
}

func (n *movingNetwork) SetFramedRoutes(_ SessionInfo, _, want []netip.Prefix) error {
	n.calls = append(n.calls, fmt.Sprintf("%d routes", len(want)))
	return nil
}

// TestChangeOfVRF: a session that has renegotiated while the host was busy, and got the same addresses in
// another VRF, loses its routes and addresses before it is moved.
func TestChangeOfVRF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &movingNetwork{slowNetwork: newSlowNetwork(time.Millisecond, time.Millisecond)}
		l := newReconcilerLab(n.slowNetwork, 1)
		l.network = n
		a := netip.MustParseAddr("192.0.2.1")
		for _, c := range []struct {
			vrf  string
			want []string
		}{
			{"red", []string{"red true", "1 routes"}},
			{"blue", []string{"0 routes", "red false", "blue true", "1 routes"}},
			{"", []string{"0 routes", "blue false", " true", "1 routes"}},
		} {
			n.calls = nil
			l.set(l.sessions[0], desired{
				device: true, routes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")},
				Addressing: Addressing{MTU: 1492, VRF: c.vrf, IPv4: ipcp.Agreement{Local: a, Remote: a.Next()}},
			})
			l.wait()
			if !slices.Equal(n.calls, c.want) {
				t.Errorf("to VRF %q: %q, want %q", c.vrf, n.calls, c.want)
			}
		}
		l.check(t)
	})
}

// TestFramedClaimsOfVRFs: VRFs may have the same framed routes.
func TestFramedClaimsOfVRFs(t *testing.T) {
	f, all := newFramedClaims(), func(sessionRef) bool { return true }
	routes := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
	red, blue := &SessionPolicy{VRF: "red", FramedRoutes: routes}, &SessionPolicy{VRF: "blue", FramedRoutes: routes}
	a, b, c := &sessionState{}, &sessionState{}, &sessionState{}
	for _, s := range []struct {
		state  *sessionState
		policy *SessionPolicy
		older  *sessionState
	}{{a, red, nil}, {b, blue, nil}, {c, red, a}} {
		older, _ := f.claim(s.policy, sessionRef{state: s.state}, all)
		if len(older) > 1 || (len(older) == 1) != (s.older != nil) || len(older) == 1 && older[0].state != s.older {
			t.Errorf("in VRF %s it replaces %v", s.policy.VRF, older)
		}
	}
	f.release(red, c)
	f.release(red, b) // which has none
	if len(f.by) != 1 {
		t.Errorf("%d claims are left", len(f.by))
	}
}

// TestRecordOfVRF: the record of a session has the VRF of its policy.
func TestRecordOfVRF(t *testing.T) {
	p := SessionPolicy{VRF: "red"}
	r := SessionRecord{SessionInfo: SessionInfo{SessionID: 7, Peer: wire.Addr{2, 1}}, Listener: "eth0", Open: true, Policy: &p}
	if got, err := ParseSessionRecord(r.AppendTo(nil)); err != nil || got.VRF != "red" || got.Policy.VRF != "red" {
		t.Errorf("VRF %q, of its policy %q: %v", got.VRF, got.Policy.VRF, err)
	}
}
