package forward

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// dataPaths are the data paths of a server.
var dataPaths = []string{"plain", "offload", "kernel"}

// startFiltered starts a server with options, and with options of its only account, and a client.
func (j *network) startFiltered(t *testing.T, options, account string) (client, server *lab.Program) {
	t.Helper()
	sysctl(t, j.server, "ipv4/conf/all/rp_filter", "0")
	sysctl(t, j.server, "ipv4/conf/default/rp_filter", "0")
	server = startWith(t, map[string]string{
		"pppoe-server-options": "require-chap\n" + options,
		"chap-secrets":         "\"testuser\" * \"testpassword\" * " + account + "\n",
	}, j.server, "pppoe-server", "-F", "-I", "eth0", "-L", "192.0.2.1", "-R", "192.0.2.10", "--ipv6-networks", "2001:db8:aa::/64")
	check(t, server.Await("Serving on eth0"))
	return start(t, j.client, "pppoe-client", "eth0", "user", "testuser", "password", "testpassword", "noauth", "nodetach", "datapath", "plain"), server
}

// listenUDP opens a UDP socket on the outside host, for both families.
func (j *network) listenUDP(t *testing.T) net.PacketConn {
	t.Helper()
	var ear net.PacketConn
	check(t, j.outside.Do(func() (err error) {
		ear, err = net.ListenPacket("udp", fmt.Sprintf(":%d", port))
		return err
	}))
	t.Cleanup(func() { ear.Close() })
	return ear
}

// sendUDP sends datagrams from an address of the client's machine.
func (j *network) sendUDP(t *testing.T, from string, n int, data []byte) {
	t.Helper()
	source, to := netip.MustParseAddr(from), outside4
	if source.Is6() {
		to = outside6
	}
	check(t, j.client.Do(func() error {
		conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0)), net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, port)))
		if err != nil {
			return err
		}
		defer conn.Close()
		for range n {
			if _, err := conn.Write(data); err != nil {
				return err
			}
		}
		return nil
	}))
}

// receiveUDP reads n datagrams, and returns how often each payload was received.
func receiveUDP(t *testing.T, ear net.PacketConn, n int) map[string]int {
	t.Helper()
	heard, buf := make(map[string]int), make([]byte, 2000)
	ear.SetReadDeadline(time.Now().Add(10 * time.Second))
	for i := range n {
		size, _, err := ear.ReadFrom(buf)
		if err != nil {
			t.Fatalf("after %d datagrams of %d, %v: %v", i, n, heard, err)
		}
		heard[string(bytes.TrimRight(buf[:size], "\x00"))]++
	}
	return heard
}

// dropped ends the session, and returns the number of packets that the server has logged as
// dropped.
func dropped(t *testing.T, client, server *lab.Program, why string) int {
	t.Helper()
	client.Stop()
	check(t, server.Await("Session 1 closed"))
	return loggedNumber(t, server, `ppp0: Dropped (\d+) packets `+why)
}

// loggedNumber returns a number from a program's log; 0: there is none.
func loggedNumber(t *testing.T, p *lab.Program, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(p.Log())
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	check(t, err)
	return n
}

// awaitTransmitted waits until the client has read n packets from its device.
func (j *network) awaitTransmitted(t *testing.T, n uint64) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var link netlink.Link
		check(t, j.client.Do(func() (err error) {
			link, err = netlink.LinkByName("ppp0")
			return err
		}))
		if link.Attrs().Statistics.TxPackets >= n {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the client has taken %d packets of %d", link.Attrs().Statistics.TxPackets, n)
		}
	}
}

// TestSpoofed: with source-check only packets from the client's addresses reach the outside host,
// with each data path of the server; without it, all do.
func TestSpoofed(t *testing.T) {
	roottest.Need(t, "ip")
	const each = 5
	for _, stage := range dataPaths {
		for _, c := range []struct {
			what, options, account string
			forged                 []string
			mine                   []string
		}{
			{"unchecked", "", "", nil, []string{"192.0.2.10", "192.0.2.11", "198.51.100.200", "2001:db8:aa::77", "2001:db8:bad::1"}},
			{"checked", "source-check\n", "",
				[]string{"192.0.2.11", "198.51.100.200", "198.51.100.77", "2001:db8:bad::1"}, []string{"192.0.2.10", "2001:db8:aa::77"}},
			{"with a network behind", "", "-- source-check source-allow 198.51.100.0/25 source-allow 2001:db8:bad::/64",
				[]string{"192.0.2.11", "198.51.100.200"}, []string{"192.0.2.10", "198.51.100.77", "2001:db8:aa::77", "2001:db8:bad::1"}},
		} {
			t.Run(stage+" "+c.what, func(t *testing.T) {
				j := newNetwork(t)
				client, server := j.startFiltered(t, "datapath "+stage+"\n"+c.options, c.account)
				j.awaitSession(t, client, server)
				for _, a := range []string{"192.0.2.11", "198.51.100.200", "198.51.100.77"} {
					ip(t, j.client, "address", "add", a, "dev", "lo")
				}
				for _, a := range []string{"2001:db8:bad::1", "2001:db8:aa::77"} {
					ip(t, j.client, "address", "add", a, "dev", "lo", "nodad")
				}
				j.awaitAddress6(t)
				if stage == "kernel" {
					check(t, server.Await("Packets go through the kernel"))
				}
				ear := j.listenUDP(t)
				for _, from := range append(c.forged, c.mine...) {
					j.sendUDP(t, from, each, []byte(from))
				}
				heard := receiveUDP(t, ear, each*len(c.mine))
				for _, from := range c.mine {
					if heard[from] != each {
						t.Errorf("from %s came %d packets, want %d", from, heard[from], each)
					}
				}
				n := dropped(t, client, server, "with a spoofed source address")
				if want := each * len(c.forged); n < want || want == 0 && n > 0 {
					t.Errorf("%d packets were dropped, want %d", n, want)
				}
			})
		}
	}
}

// awaitAddress6 waits until the client has an address in the network that the server advertises.
func (j *network) awaitAddress6(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		out, err := j.client.Run("ip", "-6", "address", "show", "dev", "ppp0", "scope", "global")
		check(t, err)
		if bytes.Contains([]byte(out), []byte("2001:db8:aa:")) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the client has no address of the advertised network:\n%s", out)
		}
	}
}

// TestRateLimit: of the packets that a client with a rate sends at once, only those that the token
// bucket holds pass, with each data path of the server. The smallest bucket is 15,000 octets, and
// at 1 kbit/s a packet of 1000 octets takes 8 s.
func TestRateLimit(t *testing.T) {
	roottest.Need(t, "ip")
	const sent, size = 60, 1000 - 28
	for _, stage := range dataPaths {
		t.Run(stage, func(t *testing.T) {
			j := newNetwork(t)
			client, server := j.startFiltered(t, "noipv6\nrate-up 100000\ndatapath "+stage+"\n", "-- rate-up 1")
			for _, p := range []*lab.Program{client, server} {
				check(t, p.Await("remote IP address"))
			}
			ip(t, j.client, "route", "add", outsideNets[0], "dev", "ppp0")
			if stage == "kernel" {
				check(t, server.Await("Packets go through the kernel"))
			}
			ear := j.listenUDP(t)
			j.sendUDP(t, "192.0.2.10", sent, make([]byte, size))
			receiveUDP(t, ear, 15)
			j.awaitTransmitted(t, sent)
			n := dropped(t, client, server, "over the session's rate limit")
			through := loggedNumber(t, server, `ppp0: Sent \d+ bytes, received (\d+) bytes`) / (size + 28)
			if n < 1 || through < 15 || through > 30 || n+through > sent {
				t.Errorf("of %d packets %d got through and %d were dropped, want 15 or some more to get through", sent, through, n)
			}
			receiveUDP(t, ear, through-15)
		})
	}
}
