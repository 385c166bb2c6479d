package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"testing"

	"upppoe/internal/pppd"
	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// TestParentMTU: the interface carries what a session with MTU 1500 needs, from the
// first dial to the end, also if it was made anew meanwhile.
func TestParentMTU(t *testing.T) {
	roottest.Need(t, "ip")
	clients(t, 0)
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	ip := func(words ...string) {
		t.Helper()
		if out, err := ns.Run("ip", words...); err != nil {
			t.Fatalf("ip %v: %v %s", words, err, out)
		}
	}
	var log bytes.Buffer
	m := &parentMTU{settings: &pppd.Settings{Interface: "eth0", MTU: 1500}, log: slog.New(slog.NewTextHandler(&log, nil))}
	nobody := errors.New("nobody listens")
	seen := 0
	listen := m.raisedFor(func() (pppoe.Ports, error) {
		seen = 0
		if is, err := net.InterfaceByName("eth0"); err == nil {
			seen = is.MTU
		}
		return pppoe.Ports{}, nobody
	})
	dial := func(want int) {
		t.Helper()
		err := ns.Do(func() error { _, err := listen(); return err })
		if !errors.Is(err, nobody) || seen != want {
			t.Errorf("a dial finds MTU %d, want %d: %v", seen, want, err)
		}
	}
	ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	for range 5 {
		dial(1508)
	}
	if len(m.undo) != 1 {
		t.Errorf("after five dials there are %d things to undo, want 1", len(m.undo))
	}
	ip("link", "set", "eth0", "mtu", "1500") // somebody else's doing
	dial(1508)
	ip("link", "del", "eth0")
	if dial(0); log.Len() == 0 {
		t.Error("an interface that cannot be raised is not told of")
	}
	ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	dial(1508)
	if err := ns.Do(func() error { m.restore(); return nil }); err != nil {
		t.Fatal(err)
	}
	if mtu, err := ns.MTU("eth0"); mtu != 1500 {
		t.Errorf("in the end the MTU is %d, %v; want 1500", mtu, err)
	}
	usual := &parentMTU{settings: &pppd.Settings{Interface: "eth0", MTU: 1492}}
	usual.raisedFor(func() (pppoe.Ports, error) { return pppoe.Ports{}, nil })()
	if len(usual.undo) != 0 {
		t.Error("a usual session has the MTU raised")
	}
}
