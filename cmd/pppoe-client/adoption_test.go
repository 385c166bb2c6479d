package main

import (
	"net/netip"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// adoptable is a session as the client records it.
var adoptable = pppoe.AdoptableSession{
	SessionID: 7, AC: concentrator, Local: wire.Addr{2, 0, 0x5e, 0, 0x53, 9}, ACName: "ac", Service: "internet", User: "peer",
	PADTTags: wire.Tags{1, 1, 0, 0}, Device: "ppp3", PPP: []byte{1, 0}, Opened: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
}

// leftSession records a session as a client does that is killed then, and returns the settings of the next.
func leftSession(t *testing.T, last *pppoe.AdoptableSession) []string {
	t.Helper()
	filesIn(t, t.TempDir())
	options := []string{"eth0", "user", "alice", "pppoe-source-mac", adoptable.Local.String(), "state-dir", filepath.Join(t.TempDir(), "state")}
	f := newRecords(parse(t, options...), silent())
	f.notify(pppoe.SessionInfo{Local: adoptable.Local}, pppoe.SessionEstablished{Grant: discovery.Grant{SessionID: adoptable.SessionID, AC: concentrator}})
	f.record(&adoptable)
	f.record(last)
	f.close()
	return options
}

// TestAdoptable: the next client adopts the session of one that was killed, if it has the same settings.
func TestAdoptable(t *testing.T) {
	for name, c := range map[string]struct {
		last   *pppoe.AdoptableSession
		change func(*pppd.Settings)
		want   error
	}{
		"same settings":         {&adoptable, func(*pppd.Settings) {}, nil},
		"no-adopt":              {&adoptable, func(s *pppd.Settings) { s.NoAdopt = true }, errNoAdopt},
		"demand":                {&adoptable, func(s *pppd.Settings) { s.Demand = true }, errDemand},
		"another user":          {&adoptable, func(s *pppd.Settings) { s.User = "bob" }, errOtherUser},
		"another service":       {&adoptable, func(s *pppd.Settings) { s.Service = "x" }, errOtherService},
		"another namespace":     {&adoptable, func(s *pppd.Settings) { s.Namespace = "x" }, errOtherNamespace},
		"another device":        {&adoptable, func(s *pppd.Settings) { s.Unit = 5 }, errOtherDevice},
		"another address":       {&adoptable, func(s *pppd.Settings) { s.SourceAddr = "02:00:5e:00:53:0a" }, errNotRecorded},
		"not online at the end": {nil, func(*pppd.Settings) {}, errNotRecorded},
	} {
		s := parse(t, leftSession(t, c.last)...)
		c.change(s)
		f := newRecords(s, silent())
		a, err := f.adoptable()
		if err != c.want || err == nil && !reflect.DeepEqual(*a, adoptable) {
			t.Errorf("%s: %+v, %v; want %v", name, a, err, c.want)
		}
		if stale, _ := f.staleSessions(); (len(stale) == 1) != (name != "another address") {
			t.Errorf("%s: stale sessions %v", name, stale)
		}
		if owner := f.owner(); (owner == "") != (name == "no-adopt" || name == "demand") {
			t.Errorf("%s: the device's owner is %q", name, owner)
		}
		f.close()
	}
}

// TestAdoptableOfAnotherBoot: a session of an earlier boot is only ended.
func TestAdoptableOfAnotherBoot(t *testing.T) {
	f := newRecords(parse(t, leftSession(t, &adoptable)...), silent())
	defer f.close()
	left := *f.slot.Left().Adoptable
	if left.BootID += "0"; f.checkSettings(&left) != errOtherBoot {
		t.Errorf("boot %s is this one", left.BootID)
	}
}

// TestOnlineAdopted: a client with an adopted session is online when its concentrator has confirmed it.
func TestOnlineAdopted(t *testing.T) {
	both := pppoe.Adopted{Addressing: pppoe.Addressing{IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.10")}, IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}}}}
	for _, events := range [][]pppoe.Event{{both, pppoe.Continued{}}, {pppoe.Continued{}, both}} {
		n := 0
		o := &online{wanted: true, ipv4: family{wanted: true}, ipv6: family{wanted: true}, ready: func() { n++ }}
		o.handle(events[0])
		if n != 0 {
			t.Errorf("online after %T", events[0])
		}
		if o.handle(events[1]); n != 1 {
			t.Errorf("not online after %T", events[1])
		}
	}
}
