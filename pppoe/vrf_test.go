package pppoe_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// vrfHost is a host with VRFs of some names. A device must have neither addresses nor routes when it is
// moved.
type vrfHost struct {
	*host
	has    []string
	routes []netip.Prefix // of the only session
}

func (h *vrfHost) CheckVRF(name string) error {
	if !slices.Contains(h.has, name) {
		return fmt.Errorf("VRF %s does not exist", name)
	}
	return nil
}

func (h *vrfHost) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	if have.VRF != want.VRF && (have.HasIPv4() || have.HasIPv6() || len(h.routes) > 0) {
		return errors.New("it is moved with addresses or routes")
	}
	if err := h.CheckVRF(want.VRF); want.VRF != "" && err != nil {
		return err
	}
	return h.host.Configure(l, have, want)
}

func (h *vrfHost) SetFramedRoutes(_ pppoe.SessionInfo, _, want []netip.Prefix) error {
	h.routes = want
	return nil
}

// vrfLab is a lab whose server's host has the VRFs red and blue.
func vrfLab(t *testing.T) *lab {
	l := newLab(t, ethertest.Config{})
	l.server.Network = &vrfHost{host: l.serverHost, has: []string{"red", "blue"}}
	return l
}

// TestVRFFollowsUser: the device of a session is in the VRF of the user that is authenticated now, and
// has neither addresses nor routes while that changes.
func TestVRFFollowsUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := vrfLab(t)
		routes := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
		name := "alice"
		l.client.Session.LCP.AllowAuth = []ppp.Method{renamed{chap.MD5, &name}}
		l.server.Authenticator = accountPolicies{
			"alice": {VRF: "red", FramedRoutes: routes}, "bob": {VRF: "blue", FramedRoutes: routes}, "carol": nil,
		}
		s := l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		for i, c := range []struct{ user, vrf string }{{"alice", "red"}, {"bob", "blue"}, {"carol", ""}, {"bob", "blue"}} {
			if name = c.user; i > 0 {
				l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, byte(99 + i), 0, 4}))
				l.checkOnline(i+1, c.user)
			}
			if e, failed := last[pppoe.HostNetworkFailed](&l.serverEvents); failed {
				t.Errorf("%s: %v", c.user, e.Err)
			}
			if e, _ := last[pppoe.Configured](&l.serverEvents); e.VRF != c.vrf {
				t.Errorf("%s: the device is in VRF %q", c.user, e.VRF)
			}
			if status, err := s.Session(l.serverEvents.key()); err != nil || status.VRF != c.vrf || status.Policy.VRF != c.vrf {
				t.Errorf("%s: status %+v, %v", c.user, status, err)
			}
		}
		l.stop()
	})
}

// impossibleVRFs are sessions that cannot be in the VRF green of their policy, and why.
var impossibleVRFs = []struct {
	what   string
	change func(*lab)
	want   string
}{
	{"it does not exist", func(*lab) {}, "VRF green does not exist"},
	{"of the user", func(l *lab) {
		l.server.Policy, l.server.Authenticator = nil, accountPolicies{"testuser": {VRF: "green"}}
	}, "VRF green does not exist"},
	{"a host without VRFs", func(l *lab) { l.server.Network = l.serverHost }, "the server's HostNetwork has no VRFs"},
	{"a shared device", func(l *lab) {
		l.server.Network, l.server.Shared = nil, newSharedLab(l.t).server.Shared
	}, "a session of a shared device cannot have a VRF"},
}

func greenLab(t *testing.T, change func(*lab)) *lab {
	l := vrfLab(t)
	l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return &pppoe.SessionPolicy{VRF: "green"} }
	change(l)
	return l
}

func (l *lab) stopShared() {
	l.stop()
	if l.server.Shared != nil {
		l.server.Shared.Device.Close()
	}
}

// TestVRFRejected: the login of a user whose VRF does not exist, or cannot be that of a session, is
// rejected, and the reason says why.
func TestVRFRejected(t *testing.T) {
	for _, c := range impossibleVRFs {
		synctest.Test(t, func(t *testing.T) {
			l := greenLab(t, c.change)
			l.startServer()
			l.startClient()
			synctest.Wait()
			if e, _ := last[session.AuthFailed](&l.serverEvents); !strings.HasPrefix(e.Message, c.want) {
				t.Errorf("%s: rejected with %q", c.what, e.Message)
			}
			l.stopShared()
		})
	}
}

// TestVRFWithoutLogin: where clients do not authenticate themselves, the session ends when its device
// cannot be configured.
func TestVRFWithoutLogin(t *testing.T) {
	for _, c := range impossibleVRFs {
		synctest.Test(t, func(t *testing.T) {
			l := greenLab(t, c.change)
			if l.server.Policy == nil {
				return // a user's
			}
			l.server.Session.LCP.RequireAuth = nil
			l.startServer()
			l.startClient()
			time.Sleep(time.Second)
			if e, _ := last[pppoe.HostNetworkFailed](&l.serverEvents); e.Err == nil || !strings.HasPrefix(e.Err.Error(), c.want) {
				t.Errorf("%s: failed with %v", c.what, e.Err)
			}
			if n := count[pppoe.Configured](&l.serverEvents); n != 0 {
				t.Errorf("%s: configured", c.what)
			}
			l.stopShared()
		})
	}
}

// TestUpdateVRF: Update refuses another VRF, and changes nothing then.
func TestUpdateVRF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := vrfLab(t)
		l.server.Authenticator = accountPolicies{"testuser": {VRF: "red", FilterID: "a"}}
		s := l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		key := l.serverEvents.key()
		for _, c := range []struct {
			policy pppoe.SessionPolicy
			err    error
			filter string
		}{
			{pppoe.SessionPolicy{VRF: "blue", FilterID: "b"}, pppoe.ErrVRFChange, "a"},
			{pppoe.SessionPolicy{FilterID: "c"}, pppoe.ErrVRFChange, "a"},
			{pppoe.SessionPolicy{VRF: "red", FilterID: "d"}, nil, "d"},
		} {
			if err := s.Update(key, c.policy); err != c.err {
				t.Errorf("%+v: %v", c.policy, err)
			}
			if status, _ := s.Session(key); status.Policy.VRF != "red" || status.Policy.FilterID != c.filter {
				t.Errorf("%+v: the policy is %+v", c.policy, status.Policy)
			}
		}
		if err := s.ChangePolicy(key, func(p *pppoe.SessionPolicy) { p.VRF = "" }); err != pppoe.ErrVRFChange {
			t.Errorf("changed: %v", err)
		}
		l.stop()
	})
}

func TestIsVRFName(t *testing.T) {
	for name, want := range map[string]bool{
		"red": true, "vrf-100.5": true, "123456789012345": true, "": false, "1234567890123456": false, ".": false, "..": false,
		"a b": false, "a/b": false, "a:b": false, "ppp%d": false, "a\n": false, "\x1b[31m": false, "grün": false,
	} {
		if pppoe.IsVRFName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
