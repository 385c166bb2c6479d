package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"

	"upppoe/internal/config/pppd"
	"upppoe/internal/roottest"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/test/lab"
)

// TestParentMTU: the MTU of the interface is raised for a session with MTU 1500 from the first dial to
// the end, also if the interface was created again meanwhile.
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
	errNoPorts := errors.New("no ports")
	seen := 0
	listen := m.raiseBefore(func() (pppoe.Ports, error) {
		seen = 0
		if is, err := net.InterfaceByName("eth0"); err == nil {
			seen = is.MTU
		}
		return pppoe.Ports{}, errNoPorts
	})
	dial := func(want int) {
		t.Helper()
		err := ns.Do(func() error { _, err := listen(); return err })
		if !errors.Is(err, errNoPorts) || seen != want {
			t.Errorf("a dial finds MTU %d, want %d: %v", seen, want, err)
		}
	}
	ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	for range 5 {
		dial(1508)
	}
	if len(m.undo) != 1 {
		t.Errorf("after five dials there are %d changes to undo, want 1", len(m.undo))
	}
	ip("link", "set", "eth0", "mtu", "1500") // by another program
	dial(1508)
	ip("link", "del", "eth0")
	if dial(0); log.Len() == 0 {
		t.Error("there is no warning of an MTU that cannot be raised")
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
	usual.raiseBefore(func() (pppoe.Ports, error) { return pppoe.Ports{}, nil })()
	if len(usual.undo) != 0 {
		t.Error("a session with MTU 1492 raises the MTU")
	}
}

// TestShortfall: one line says why packets are shorter than requested, on both sides of each bound;
// there is no line if they are not.
func TestShortfall(t *testing.T) {
	for _, c := range []struct {
		words   string
		room    int
		failed  bool
		granted int
		mru     int // negotiated for our direction
		peerMRU int
		want    string // empty: no warning
	}{
		{"", 1492, false, 0, 1492, 1492, ""},
		{"", 1442, false, 0, 1442, 1442, ""}, // nothing was requested
		{"mtu 1500", 1500, false, 1500, 1500, 1500, ""},
		{"mtu 1500", 1500, false, 0, 1492, 1492, "packets of at most 1492 octets instead of 1500: the concentrator does not support RFC 4638"},
		{"mru 1500", 1500, false, 0, 1492, 1492, "packets of at most 1492 octets instead of 1500: the concentrator does not support RFC 4638"},
		{"mtu 1500", 1500, false, 1499, 1499, 1499, "packets of at most 1499 octets instead of 1500: the concentrator allows no more"},
		{"mtu 1500", 1500, false, 1400, 1492, 1492, "packets of at most 1492 octets instead of 1500: the concentrator allows no more"},
		{"mtu 1500", 1500, false, 1500, 1500, 1499, "mtu is 1499 instead of 1500: the peer receives no more"},
		{"mtu 1500", 1500, false, 1500, 1499, 1500, "mru is 1499 instead of 1500: the peer rejected our MRU"},
		{"mtu 1500 default-mru", 1500, false, 1500, 1492, 1500, ""},
		{"mtu 1500 mru 1492", 1500, false, 1500, 1492, 1500, ""},
		{"mtu 1500", 1499, false, 1500, 1492, 1492, "packets of at most 1499 octets instead of 1500: the MTU of interface eth0 allows no more"},
		{"mtu 1500", 0, false, 1500, 1500, 1500, ""}, // the interface was just removed
		{"mtu 1500", 1492, true, 0, 1492, 1492, ""},  // the log already has the reason
		{"mtu 1400", 1492, false, 0, 1492, 1400, ""},
		{"mtu 1400", 1492, false, 0, 1492, 1399, "mtu is 1399 instead of 1400: the peer receives no more"},
		{"mru 1400", 1492, false, 0, 1399, 1492, "mru is 1399 instead of 1400: the peer rejected our MRU"},
		{"mtu 1492", 1442, false, 0, 1442, 1442, "packets of at most 1442 octets instead of 1492: the MTU of interface eth0 allows no more"},
	} {
		var log bytes.Buffer
		m := &parentMTU{settings: parse(t, append([]string{"eth0"}, strings.Fields(c.words)...)...), log: slog.New(slog.NewTextHandler(&log, nil)), carries: c.room, failed: c.failed}
		for range 2 { // the second session must not repeat it
			m.notify(pppoe.SessionEstablished{Grant: discovery.Grant{MaxPayload: c.granted}})
			m.notify(session.LinkUp{MRU: c.mru, PeerMRU: c.peerMRU})
		}
		want := 1
		if c.want == "" {
			want = 0
		}
		if got := log.String(); strings.Count(got, "\n") != want || !strings.Contains(got, c.want) {
			t.Errorf("%q with %+v is logged as %q, want %q once", c.words, c, got, c.want)
		}
	}
}
