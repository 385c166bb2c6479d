package life

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// dhcp6Client exchanges DHCPv6 messages through a client's device, on which no other DHCPv6 client is.
type dhcp6Client struct {
	conn *net.UDPConn
	to   *net.UDPAddr
	id   dhcpv6.DUID
}

func newDHCP6Client(t *testing.T, in *lab.Namespace, device, local string) *dhcp6Client {
	t.Helper()
	c := &dhcp6Client{to: &net.UDPAddr{IP: dhcpv6.AllDHCPRelayAgentsAndServers, Port: 547, Zone: device}, id: &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr{2, 0, 0, 0, 0, 7}}}
	check(t, in.Do(func() (err error) {
		c.conn, err = net.ListenUDP("udp6", &net.UDPAddr{IP: net.ParseIP(local), Port: 546, Zone: device})
		return err
	}))
	t.Cleanup(func() { c.conn.Close() })
	return c
}

// exchange sends a message until it is answered.
func (c *dhcp6Client) exchange(t *testing.T, kind dhcpv6.MessageType, options ...dhcpv6.Option) *dhcpv6.Message {
	t.Helper()
	m, err := dhcpv6.NewMessage(dhcpv6.WithClientID(c.id))
	check(t, err)
	m.MessageType = kind
	for _, o := range options {
		m.AddOption(o)
	}
	b := make([]byte, 2000)
	for end := time.Now().Add(timeout); time.Now().Before(end); {
		_, err := c.conn.WriteToUDP(m.ToBytes(), c.to)
		check(t, err)
		c.conn.SetReadDeadline(time.Now().Add(time.Second))
		for n, err := c.conn.Read(b); err == nil; n, err = c.conn.Read(b) {
			if answer, err := dhcpv6.MessageFromBytes(b[:n]); err == nil && answer.TransactionID == m.TransactionID {
				return answer
			}
		}
	}
	t.Fatalf("%v is not answered", kind)
	return nil
}

// prefixOf returns the only prefix that a message delegates, whose lifetime is not over.
func prefixOf(t *testing.T, m *dhcpv6.Message) string {
	t.Helper()
	ia := m.Options.OneIAPD()
	if ia == nil || len(ia.Options.Prefixes()) != 1 || ia.Options.Prefixes()[0].ValidLifetime == 0 {
		t.Fatalf("no prefix in %s", m.Summary())
	}
	return ia.Options.Prefixes()[0].Prefix.String()
}

// TestDelegationSurvives: a client renews its delegated prefix by DHCPv6 all the time while a server is upgraded, and
// at one that was started again after a kill, in whose routes the prefix still is.
func TestDelegationSurvives(t *testing.T) {
	t.Run("shared", func(t *testing.T) {
		testDelegationSurvives(t, "2001:db8:100::/40", "--device", "shared", "--ipv6-local", "2001:db8::1")
	})
	t.Run("per-session", func(t *testing.T) { testDelegationSurvives(t, "") })
}

// testDelegationSurvives tests a server with more flags. routed is what it has a route to; empty: the prefix
// that it delegates.
func testDelegationSurvives(t *testing.T, routed string, flags ...string) {
	w := newSharedTestbed(t)
	w.serverOptions(t, "require-chap\n")
	server := w.serveUpgradable(t, append(flags, "-N", "32", "--ipv6-prefixes", "2001:db8:100::/40,56")...)
	alice := w.dialAs(t, w.client, "alice", "has both families", func(s status.Status) bool { return s.IPv6 != nil }, "nodhcp6")
	c := newDHCP6Client(t, w.client, alice.Device, alice.IPv6.Local)
	pd := dhcpv6.OptIAPD{IaId: [4]byte{0, 0, 0, 1}}
	offer := c.exchange(t, dhcpv6.MessageTypeSolicit, &pd)
	by := dhcpv6.OptServerID(offer.Options.ServerID())
	reply := c.exchange(t, dhcpv6.MessageTypeRequest, by, offer.Options.OneIAPD())
	prefix := prefixOf(t, reply)
	w.awaitRoute(t, cmp.Or(routed, prefix))
	renew := func() {
		t.Helper()
		renewed := c.exchange(t, dhcpv6.MessageTypeRenew, by, reply.Options.OneIAPD())
		if got := prefixOf(t, renewed); got != prefix || fmt.Sprint(renewed.Options.ServerID()) != fmt.Sprint(offer.Options.ServerID()) {
			t.Errorf("the prefix was %s, and is %s", prefix, got)
		}
	}
	upgraded := make(chan error, 1)
	go func() {
		out, err := exec.Command(filepath.Join(bin, "pppoe-server"), "upgrade", "--socket", server.socket).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("upgrade: %w: %s", err, out)
		}
		upgraded <- err
	}()
	for goesOn := true; goesOn; {
		renew()
		select {
		case err := <-upgraded:
			check(t, err)
			goesOn = false
		default:
		}
	}
	renew()
	server.killAndServe(t, 1)
	renew()
	w.awaitRoute(t, cmp.Or(routed, prefix))
	host := netip.MustParsePrefix(prefix).Addr().Next()
	if out, err := w.client.Run("ip", "-6", "address", "add", host.String(), "dev", "lo"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if _, err := w.server.Ping(host, 1, timeout); err != nil {
		t.Errorf("no packet for the prefix passes: %v\n%s", err, w.inServer(t, "-6", "route"))
	}
}

// awaitRoute waits until the server has a route to a prefix.
func (w *testbed) awaitRoute(t *testing.T, prefix string) {
	t.Helper()
	w.awaitInServer(t, prefix+" ", "-6", "route")
}
