package netconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// TestTwoTables: two sessions with the same gateway, each with its routes in a table of its own,
// and packets from each address use the right one.
func TestTwoTables(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		main, rules := ip(t, "route", "show"), ip(t, "rule", "show")
		var downs []func()
		for i, name := range []string{"dsl0", "dsl1"} {
			log, _ := newLog()
			h := &Configurer{Name: name, DefaultRoute: true, DefaultRoute6: true, Table: 100 + i, PolicyRules: true, Log: log}
			info := pppoe.SessionInfo{Device: name, SessionID: uint16(i)}
			dev, err := h.Open(info)
			if err != nil {
				t.Fatal(err)
			}
			want := agreed
			want.IPv4.Local = want.IPv4.Remote.Next()
			for range i {
				want.IPv4.Local = want.IPv4.Local.Next()
			}
			if err := h.Configure(info, pppoe.Addressing{}, want); err != nil {
				t.Fatal(err)
			}
			from := want.IPv4.Local.String()
			if got := ip(t, "route", "get", "198.51.100.1", "from", from); !strings.Contains(got, "dev "+name+" table") {
				t.Errorf("packets from %s go %s", from, got)
			}
			if got := ip(t, "route", "get", "192.0.2.1", "from", from); !strings.Contains(got, "dev "+name+" table") {
				t.Errorf("packets from %s to the peer go %s", from, got)
			}
			if got := ip(t, "route", "get", "198.51.100.1", "oif", name); !strings.Contains(got, "dev "+name+" table") {
				t.Errorf("packets bound to %s go %s", name, got)
			}
			if got := ip(t, "-6", "route", "get", "2001:db8::1", "oif", name); !strings.Contains(got, "dev "+name+" table") {
				t.Errorf("IPv6 packets bound to %s go %s", name, got)
			}
			downs = append(downs, func() { dev.Close(); h.Close(info, want) })
		}
		if got := ip(t, "route", "show"); got != main {
			t.Errorf("the main table is now\n%s", got)
		}
		if got := ip(t, "route", "get", "198.51.100.1"); !strings.Contains(got, "via 10.0.0.1") {
			t.Errorf("other packets go %s", got)
		}
		for _, down := range downs {
			down()
		}
		if got := ip(t, "rule", "show"); got != rules {
			t.Errorf("rules are left behind:\n%s", got)
		}
		for _, table := range []string{"100", "101"} {
			if got := ip(t, "route", "show", "table", "all"); strings.Contains(got, "table "+table) {
				t.Errorf("table %s is left behind:\n%s", table, got)
			}
		}
	})
}

// TestTwoNamespaces: two sessions with the same addresses, each in its own namespace; nothing of
// them is in the program's.
func TestTwoNamespaces(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		before := ip(t, "-details", "address", "show")
		for range 2 {
			other, err := lab.NewNamespace()
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			h := &Configurer{DefaultRoute: true, Namespace: pathOf(t, other), Log: discard()}
			down := up(t, h)
			defer func() {
				down()
				if out, err := other.Run("ip", "link", "show", "ppp0"); err == nil {
					t.Errorf("ppp0 is left behind: %s", out)
				}
			}()
			out, err := other.Run("ip", "route", "show")
			if err != nil || !strings.Contains(out, "default dev ppp0") || !strings.Contains(out, "192.0.2.1 dev ppp0") {
				t.Errorf("the other namespace has the routes %s, %v", out, err)
			}
		}
		if after := ip(t, "-details", "address", "show"); after != before {
			t.Errorf("the program's own namespace has now\n%s", after)
		}
	})
}

// TestNamespacePassesPackets: a device in another namespace passes packets both ways.
func TestNamespacePassesPackets(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		other, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		dev := dial(t, &Configurer{Namespace: pathOf(t, other), Log: discard()})
		result := make(chan error, 1)
		// Ends when the socket is closed.
		go func() {
			result <- other.Do(func() error {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				defer unix.Close(fd)
				if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 4000, Addr: [4]byte{192, 0, 2, 10}}); err != nil {
					return err
				}
				if err := unix.Sendto(fd, []byte("out"), 0, &unix.SockaddrInet4{Port: 5000, Addr: [4]byte{192, 0, 2, 1}}); err != nil {
					return err
				}
				_, _, err = unix.Recvfrom(fd, make([]byte, 8), 0)
				return err
			})
		}()
		buf, sizes := [][]byte{make([]byte, 1500)}, make([]int, 1)
		for { // skip what else the kernel sends
			if _, err := dev.Read(buf, sizes, 0); err != nil {
				t.Fatal(err)
			}
			if buf[0][0]>>4 == 4 && strings.HasSuffix(string(buf[0][:sizes[0]]), "out") {
				break
			}
		}
		packet := buf[0][:sizes[0]]
		for i := range 4 { // return it to its sender, which keeps its checksums valid
			packet[12+i], packet[16+i] = packet[16+i], packet[12+i]
		}
		for i := range 2 {
			packet[20+i], packet[22+i] = packet[22+i], packet[20+i]
		}
		if _, err := dev.Write([][]byte{packet}, 0); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}

// TestNamespaceByName: a namespace can be named as by `ip netns add`; the error of a nonexistent
// one says what to do.
func TestNamespaceByName(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		const name = "upppoe-netconfig-test"
		ip(t, "netns", "add", name)
		defer ip(t, "netns", "delete", name)
		h := &Configurer{Namespace: name, Log: discard()}
		up(t, h)()
		h = &Configurer{Namespace: name + "-missing", Log: discard()}
		_, err := h.Open(pppoe.SessionInfo{})
		if checked := h.Check(); err == nil || fmt.Sprint(checked) != err.Error() || !strings.Contains(err.Error(), "/run/netns/"+name+"-missing: no network namespace (ip netns add") {
			t.Errorf("opening in a namespace that is not there: %v", err)
		}
		h = &Configurer{Namespace: "/dev/null", Log: discard()}
		if _, err := h.Open(pppoe.SessionInfo{}); err == nil || !strings.Contains(err.Error(), "no network namespace to enter") {
			t.Errorf("opening in what is no namespace: %v", err)
		}
	})
}

// TestVRFMissing: the error names the missing VRF, and nothing stays configured.
func TestVRFMissing(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		ip(t, "link", "add", "br0", "type", "bridge")
		for vrf, want := range map[string]string{"blue": "VRF blue does not exist: ip link add blue type vrf table N", "br0": "VRF br0 does not exist: br0 is not a VRF, but a bridge"} {
			h := &Configurer{VRF: vrf, Log: discard()}
			if err := h.Check(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: checked, %v, want %q", vrf, err, want)
			}
			dev, err := h.Open(pppoe.SessionInfo{})
			if err != nil {
				t.Fatal(err)
			}
			before := ip(t, "-details", "address", "show")
			err = h.Configure(pppoe.SessionInfo{Device: dev.Name()}, pppoe.Addressing{}, agreed)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", vrf, err, want)
			}
			if after := ip(t, "-details", "address", "show"); after != before {
				t.Errorf("left half configured:\n%s\nit was\n%s", after, before)
			}
			dev.Close()
			h.Close(pppoe.SessionInfo{}, pppoe.Addressing{})
		}
	})
}

// TestTwoVRFs: two sessions with the same gateway, and the same address, in two VRFs.
func TestTwoVRFs(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		needKind(t, "vrf")
		for i, vrf := range []string{"red", "blue"} {
			ip(t, "link", "add", vrf, "type", "vrf", "table", []string{"100", "101"}[i])
			ip(t, "link", "set", vrf, "up")
			name := "to-" + vrf
			h := &Configurer{Name: name, VRF: vrf, DefaultRoute: true, DefaultRoute6: true, RejectDuplicateAddress: true, Log: discard()}
			info := pppoe.SessionInfo{Device: name, SessionID: uint16(i)}
			dev, err := h.Open(info)
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			if err := h.Configure(info, pppoe.Addressing{}, agreed); err != nil {
				t.Fatal(err)
			}
			want := "default dev " + name + " scope link \n192.0.2.1 dev " + name + " proto kernel scope link src 192.0.2.10 \n"
			if got := ip(t, "route", "show", "vrf", vrf); got != want {
				t.Errorf("VRF %s has the routes\n%s\nwant\n%s", vrf, got, want)
			}
			if got := ip(t, "-6", "route", "show", "vrf", vrf, "default"); !strings.Contains(got, "dev "+name) {
				t.Errorf("VRF %s has no IPv6 default route: %s", vrf, got)
			}
		}
		if got := ip(t, "route", "show"); got != "" {
			t.Errorf("the main table has %s", got)
		}
		h := &Configurer{VRF: "red", Table: 7, Log: discard()}
		if _, err := h.routingOf(pppoe.Addressing{}).vrfDevice(); err == nil || !strings.Contains(err.Error(), "red has routing table 100, not 7") {
			t.Errorf("a VRF and another table: %v", err)
		}
	})
}

// TestVRFOfSession: a session is in the VRF of its policy, whatever that of the Configurer; it may get
// into another one, or into none, and comes back with all of its routes.
func TestVRFOfSession(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		needKind(t, "vrf")
		for i, vrf := range []string{"red", "blue"} {
			ip(t, "link", "add", vrf, "type", "vrf", "table", []string{"100", "101"}[i])
			ip(t, "link", "set", vrf, "up")
		}
		h, info := &Configurer{Log: discard()}, pppoe.SessionInfo{}
		dev, err := h.Open(info)
		if err != nil {
			t.Fatal(err)
		}
		info.Device = dev.Name()
		routes := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29"), netip.MustParsePrefix("2001:db8:9::/48")}
		have, want := pppoe.Addressing{}, agreed
		for i, vrf := range []string{"red", "blue", "", "blue"} {
			none := pppoe.Addressing{MTU: have.MTU, VRF: have.VRF}
			if want.VRF = vrf; i == 0 {
				h.Prepare(info, want)
			} else if err := errors.Join(h.SetFramedRoutes(info, routes, nil), h.Configure(info, have, none)); err != nil {
				t.Fatal(err)
			} else {
				have = none
			}
			if err := errors.Join(h.Configure(info, have, want), h.SetFramedRoutes(info, nil, routes)); err != nil {
				t.Fatal(err)
			}
			have = want
			awaitPeerRoute(t, info.Device, want)
			for table, is := range map[string]string{"main": "", "100": "red", "101": "blue"} {
				got := ip(t, "route", "show", "table", table) + ip(t, "-6", "route", "show", "table", table)
				for _, to := range []string{"192.0.2.1 ", "198.51.100.0/29 ", "2001:db8:9::/48 ", want.IPv6.Remote.LinkLocal().String() + " "} {
					if strings.Contains(got, to) != (is == vrf) {
						t.Errorf("in VRF %q, the route to %sis in table %s: %v", vrf, to, table, is != vrf)
					}
				}
			}
		}
		h.Retire(info)
		dev.Close()
		h.Close(info, have)
		for _, table := range []string{"main", "100", "101"} {
			if got := ip(t, "route", "show", "table", table); strings.Contains(got, "ppp") {
				t.Errorf("table %s is left behind:\n%s", table, got)
			}
		}
	})
}

// TestCheckVRF: the error for a VRF that does not exist says how to make one.
func TestCheckVRF(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		if err := (&Configurer{}).CheckVRF("green"); err == nil || err.Error() != "VRF green does not exist: ip link add green type vrf table N" {
			t.Error(err)
		}
	})
}
