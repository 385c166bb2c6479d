package main

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"upppoe/internal/host/scripts"
	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/pppoe"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

// nowhere is a pppoe.HostNetwork that changes nothing.
type nowhere struct{}

func (nowhere) Open(pppoe.SessionInfo) (tun.Device, error)                            { return tuntest.New("ppp0"), nil }
func (nowhere) Configure(pppoe.SessionInfo, pppoe.Addressing, pppoe.Addressing) error { return nil }
func (nowhere) Close(pppoe.SessionInfo, pppoe.Addressing)                             {}
func (nowhere) CheckVRF(string) error                                                 { return nil }

// TestHurry: a terminating server does not wait for a script that does not end, in sessions that began
// before or after hurry.
func TestHurry(t *testing.T) {
	roottest.NeedPrograms(t, "sh", "sleep")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, scripts.IPPreUp), []byte("#!/bin/sh\nexec sleep 3600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := newSessionScripts()
	s.use(nowhere{}, scripts.Config{Dir: dir, Timeout: time.Nanosecond, Log: slog.New(slog.DiscardHandler)})
	want := pppoe.Addressing{IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.10")}}
	for id := uint16(1); id <= 2; id++ {
		l := pppoe.SessionInfo{Interface: "eth0", SessionID: id, Device: "ppp0"}
		if _, err := s.Open(l); err != nil {
			t.Fatal(err)
		}
		if id == 1 {
			go s.hurry()
		}
		if err := s.Configure(l, pppoe.Addressing{}, want); err != nil {
			t.Error(err)
		}
		s.preUp(l, want)
		s.notify(l, pppoe.Ended{})
	}
	s.wait()
	if len(s.live) != 0 || len(s.sessions) != 0 {
		t.Errorf("%d and %d sessions are left", len(s.live), len(s.sessions))
	}
}

// router is a pppoe.HostNetwork that records framed routes.
type router struct {
	nowhere
	routed *[]netip.Prefix
}

func (r router) SetFramedRoutes(_ pppoe.SessionInfo, _, want []netip.Prefix) error {
	*r.routed = want
	return nil
}

// TestFramedRoutesPassScripts: framed routes reach a network that has them, and are ignored by another.
func TestFramedRoutesPassScripts(t *testing.T) {
	var routed []netip.Prefix
	want := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
	for id, network := range []hostNetwork{nowhere{}, router{routed: &routed}} {
		s := newSessionScripts()
		s.use(network, scripts.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
		l := pppoe.SessionInfo{SessionID: uint16(id), Device: "ppp0"}
		if _, err := s.Open(l); err != nil {
			t.Fatal(err)
		}
		if err := s.SetFramedRoutes(l, nil, want); err != nil {
			t.Error(err)
		}
		s.notify(l, pppoe.Ended{})
		s.wait()
	}
	if !slices.Equal(routed, want) {
		t.Errorf("routed %v, want %v", routed, want)
	}
}
