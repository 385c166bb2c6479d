package life

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/mgmt/status"
	"upppoe/test/lab"
)

// customer is a client of a server with a shared device, on a machine of its own.
type customer struct {
	*testbed
	program *lab.Program
	status.Status
}

// newSharedTestbed returns machines on a switch, whose server forwards and knows alice and bob, who get
// addresses of the pool, and carol, who has others.
func newSharedTestbed(t *testing.T) *testbed {
	t.Helper()
	w := newSwitchedTestbed(t)
	check(t, w.server.Do(func() error {
		return errors.Join(os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0), os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0))
	}))
	w.serverFile(t, "chap-secrets", "alice * secret *\nbob * secret *\ncarol * secret 198.51.100.7 -- framed-route 203.0.113.0/24 framed-route 2001:db8:ff::/48\n", 0o600)
	return w
}

func (w *testbed) serverFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(w.serverEtc, name), []byte(text), mode))
}

// serveShared starts the server with a shared device.
func (w *testbed) serveShared(t *testing.T, flags ...string) *lab.Program {
	t.Helper()
	return w.serve(t, append([]string{"--device", "shared", "-N", "32"}, flags...)...)
}

// dialAs dials from a machine, and waits until the session is as it should be.
func (w *testbed) dialAs(t *testing.T, in *lab.Namespace, name, what string, is func(status.Status) bool, options ...string) *customer {
	t.Helper()
	its := &testbed{client: in, server: w.server, serverEtc: w.serverEtc}
	its.newClientFiles(t)
	args := append([]string{"eth0", "user", name, "password", "secret", "noauth", "debug", "nodetach", "defaultroute"}, options...)
	c := &customer{testbed: its, program: its.start(t, "pppoe-client", args...)}
	c.Status = its.awaitStatus(t, name+" "+what, func(s status.Status) bool { return isOnline(s) && is(s) })
	return c
}

func (w *testbed) twoCustomers(t *testing.T, options ...string) (alice, bob *customer) {
	t.Helper()
	always := func(status.Status) bool { return true }
	return w.dialAs(t, w.client, "alice", "is online", always, options...), w.dialAs(t, w.other, "bob", "is online", always, options...)
}

func (c *customer) wantPing(t *testing.T, what string, to netip.Addr) {
	t.Helper()
	if _, err := c.client.Ping(to, 1, timeout); err != nil {
		t.Errorf("%s: no answer from %v: %v", what, to, err)
	}
}

// inServer runs ip(8) on the server's machine.
func (w *testbed) inServer(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.server.Run("ip", args...)
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return words(out)
}

// awaitInServer waits until ip(8) on the server's machine prints something: a client may be online a moment before
// the server's network is configured.
func (w *testbed) awaitInServer(t *testing.T, want string, args ...string) {
	t.Helper()
	await(t, fmt.Sprintf("ip %v prints %q", args, want), func() bool { return strings.Contains(w.inServer(t, args...), want) })
}

// TestSharedDevice: two clients reach the server and each other over one device, which goes with the
// server.
func TestSharedDevice(t *testing.T) {
	for _, path := range []string{"plain", "offload", "auto"} {
		w := newSharedTestbed(t)
		w.serverOptions(t, "require-chap\ndatapath "+path+"\n")
		server := w.serveShared(t)
		alice, bob := w.twoCustomers(t)
		for _, c := range []*customer{alice, bob} {
			c.wantPing(t, path+", server", ip("192.0.2.1"))
		}
		alice.wantPing(t, path+", each other", ip(bob.IPv4.Local))
		bob.wantPing(t, path+", each other", ip(alice.IPv4.Local))
		if links := w.inServer(t, "-brief", "link"); strings.Contains(links, "ppp1") || strings.Contains(links, "ppp0 ") || strings.Count(links, "pppoe0") != 1 {
			t.Errorf("%s: the server's devices are %s", path, links)
		}
		if routes := w.inServer(t, "route"); routes != "192.0.2.10/31 dev pppoe0 proto static scope link src 192.0.2.1 192.0.2.12/30 dev pppoe0 proto static scope link src 192.0.2.1 "+
			"192.0.2.16/28 dev pppoe0 proto static scope link src 192.0.2.1 192.0.2.32/29 dev pppoe0 proto static scope link src 192.0.2.1 192.0.2.40/31 dev pppoe0 proto static scope link src 192.0.2.1" {
			t.Errorf("%s: the server's routes are %s", path, routes)
		}
		check(t, unix.Kill(server.PID(), unix.SIGTERM))
		wantExit(t, server, 0)
		if links := w.inServer(t, "-brief", "link"); strings.Contains(links, "ppp") {
			t.Errorf("%s: the server has left %s", path, links)
		}
	}
}

// TestIsolate: with --isolate clients reach the server, and not each other.
func TestIsolate(t *testing.T) {
	w := newSharedTestbed(t)
	w.serveShared(t, "--isolate")
	alice, bob := w.twoCustomers(t)
	alice.wantPing(t, "server", ip("192.0.2.1"))
	bob.wantPing(t, "server", ip("192.0.2.1"))
	if _, err := alice.client.Ping(ip(bob.IPv4.Local), 1, time.Second); err == nil {
		t.Error("isolated clients reach each other")
	}
}

// TestSharedDeviceErrors: an address of the pool without a session is unreachable, and packets that are
// too long for a session are answered with its MTU, by the server.
func TestSharedDeviceErrors(t *testing.T) {
	w := newSharedTestbed(t)
	server := w.serveShared(t, "--ipv6-networks", "2001:db8:1::/48", "--ipv6-local", "2001:db8::1")
	alice := w.dialAs(t, w.client, "alice", "has IPv6", hasGlobal, "mru", "1400")
	alice6 := netip.MustParsePrefix(alice.IPv6.Addresses[0]).Addr().String()
	check(t, w.server.Do(func() error {
		if err := sendUDP(t, "192.0.2.30", 100); !errors.Is(err, unix.EHOSTUNREACH) {
			t.Errorf("an address without a session: %v", err)
		}
		if err := sendUDP(t, "2001:db8:1:ffff::1", 100); !errors.Is(err, unix.EHOSTUNREACH) {
			t.Errorf("an IPv6 address without a session: %v", err)
		}
		for _, to := range []string{alice.IPv4.Local, alice6} {
			if err := sendUDP(t, to, 1450); !errors.Is(err, unix.EMSGSIZE) {
				t.Errorf("a packet to %s that is too long: %v", to, err)
			}
		}
		return nil
	}))
	for _, to := range []string{alice.IPv4.Local, alice6} {
		if got := w.inServer(t, "route", "get", to); !strings.Contains(got, "mtu 1400") {
			t.Errorf("the path MTU to %s is not known: %s", to, got)
		}
	}
	// The client's own packets are answered alike, by the kernel that forwards them.
	check(t, w.client.Do(func() error {
		if err := sendUDP(t, "192.0.2.31", 100); !errors.Is(err, unix.EHOSTUNREACH) {
			t.Errorf("from a client, an address without a session: %v", err)
		}
		return nil
	}))
	check(t, unix.Kill(server.PID(), unix.SIGTERM))
	wantExit(t, server, 0)
	for _, want := range []string{`Dropped \d+ packets: to addresses that no session has`, `Dropped \d+ packets: longer than the MTU of their session`} {
		if !regexp.MustCompile(want).MatchString(server.Log()) {
			t.Errorf("the log does not have %s", want)
		}
	}
}

// sendUDP sends datagrams of an IP length that must not be fragmented until the socket has an error,
// which it returns.
func sendUDP(t *testing.T, to string, length int) error {
	family, level, header := unix.AF_INET, unix.IPPROTO_IP, 28
	recvErr, discover := unix.IP_RECVERR, unix.IP_MTU_DISCOVER
	var peer unix.Sockaddr
	if a := ip(to); a.Is4() {
		peer = &unix.SockaddrInet4{Port: 9, Addr: a.As4()}
	} else {
		family, level, header = unix.AF_INET6, unix.IPPROTO_IPV6, 48
		recvErr, discover = unix.IPV6_RECVERR, unix.IPV6_MTU_DISCOVER
		peer = &unix.SockaddrInet6{Port: 9, Addr: a.As16()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	check(t, unix.SetsockoptInt(fd, level, recvErr, 1))
	check(t, unix.SetsockoptInt(fd, level, discover, unix.IP_PMTUDISC_DO)) // the same number for IPv6
	if err := unix.Connect(fd, peer); err != nil {
		return err
	}
	for end := time.Now().Add(timeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := unix.Write(fd, make([]byte, length-header)); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
			return err
		}
	}
	return nil
}

// TestSharedDeviceRoutes: an account's own address and framed routes, which are in no pool, are routed
// while its session is open.
func TestSharedDeviceRoutes(t *testing.T) {
	w := newSharedTestbed(t)
	w.serveShared(t, "--ipv6-networks", "2001:db8:1::/48")
	before := w.inServer(t, "route") + w.inServer(t, "-6", "route", "show", "proto", "static")
	carol := w.dialAs(t, w.client, "carol", "has IPv6", hasGlobal)
	carol.wantPing(t, "server", ip("192.0.2.1"))
	for _, c := range []struct{ args, want string }{
		{"route show 198.51.100.7", "198.51.100.7 dev pppoe0"}, {"route show 203.0.113.0/24", "203.0.113.0/24 dev pppoe0"}, {"-6 route show 2001:db8:ff::/48", "2001:db8:ff::/48 dev pppoe0"},
	} {
		await(t, c.want, func() bool { return strings.Contains(w.inServer(t, strings.Fields(c.args)...), c.want) })
	}
	// A host of the framed route.
	if out, err := w.client.Run("ip", "address", "add", "203.0.113.9/32", "dev", "lo"); err != nil {
		t.Fatal(err, out)
	}
	if _, err := w.server.Ping(ip("203.0.113.9"), 1, timeout); err != nil {
		t.Errorf("the network behind the client: %v", err)
	}
	check(t, unix.Kill(carol.program.PID(), unix.SIGTERM))
	wantExit(t, carol.program, 5)
	await(t, "the routes are gone", func() bool {
		return w.inServer(t, "route")+w.inServer(t, "-6", "route", "show", "proto", "static") == before
	})
}

func hasGlobal(s status.Status) bool { return s.IPv6 != nil && len(s.IPv6.Addresses) > 0 }

// TestSharedDeviceIPv6: clients get addresses by router advertisements, and prefixes by DHCPv6, and reach
// the server and each other with both.
func TestSharedDeviceIPv6(t *testing.T) {
	w := newSharedTestbed(t)
	w.serveShared(t, "--ipv6-networks", "2001:db8:1::/48", "--ipv6-prefixes", "2001:db8:100::/40,56", "--ipv6-local", "2001:db8::1")
	has := func(s status.Status) bool { return hasGlobal(s) && len(s.IPv6.Delegated) > 0 }
	alice := w.dialAs(t, w.client, "alice", "has an address and a prefix", has, "dhcp6-prefix", "56")
	bob := w.dialAs(t, w.other, "bob", "has an address and a prefix", has, "dhcp6-prefix", "56")
	address := func(c *customer) netip.Addr {
		p, err := netip.ParsePrefix(c.IPv6.Addresses[0])
		check(t, err)
		if !netip.MustParsePrefix("2001:db8:1::/48").Contains(p.Addr()) {
			t.Errorf("the address %v is not of the pool", p)
		}
		return p.Addr()
	}
	alice.wantPing(t, "server", ip("2001:db8::1"))
	alice.wantPing(t, "each other", address(bob))
	bob.wantPing(t, "each other", address(alice))
	delegated, err := netip.ParsePrefix(bob.IPv6.Delegated[0])
	check(t, err)
	if !netip.MustParsePrefix("2001:db8:100::/40").Contains(delegated.Addr()) || delegated.Bits() != 56 {
		t.Errorf("the prefix %v is not of the pool", delegated)
	}
	host := delegated.Addr().Next()
	if out, err := bob.client.Run("ip", "address", "add", host.String()+"/128", "dev", "lo"); err != nil {
		t.Fatal(err, out)
	}
	alice.wantPing(t, "a host in the delegated prefix", host)
	alice.wantPing(t, "the router's link-local address", ip(alice.IPv6.Remote+"%ppp0"))
}

// TestSharedDeviceScripts: scripts get the shared device and the session; one that does not end delays
// nobody else.
func TestSharedDeviceScripts(t *testing.T) {
	w := newSharedTestbed(t)
	record := filepath.Join(w.serverEtc, "record")
	w.serverFile(t, "ip-up", "#!/bin/sh\n[ $PEERNAME = alice ] && exec sleep 3600\necho \"$0 $1 $5 $IFNAME $IPREMOTE $PEERNAME\" >>"+record+"\n", 0o755)
	w.serverFile(t, "ip-down", "#!/bin/sh\necho \"$0 $5 $PEERNAME $((CONNECT_TIME < 3600))\" >>"+record+"\n", 0o755)
	server := w.serveShared(t)
	alice, bob := w.twoCustomers(t)
	alice.wantPing(t, "while its script runs", ip("192.0.2.1"))
	up := filepath.Join(w.serverEtc, "ip-up") + " pppoe0 " + bob.IPv4.Local + " pppoe0 " + bob.IPv4.Local + " bob\n"
	recorded := func() string { text, _ := os.ReadFile(record); return string(text) }
	await(t, "bob's script has run", func() bool { return recorded() == up })
	check(t, unix.Kill(bob.program.PID(), unix.SIGTERM))
	wantExit(t, bob.program, 5)
	await(t, "bob's second script has run", func() bool {
		return recorded() == up+filepath.Join(w.serverEtc, "ip-down")+" "+bob.IPv4.Local+" bob 1\n"
	})
	check(t, unix.Kill(server.PID(), unix.SIGTERM))
	wantExit(t, server, 0)
}

// TestFramedRoute: with a device for each session, a framed route leads to that of its account's session,
// and to the newest one if the client returns; a session of another account ends, as the route is taken.
func TestFramedRoute(t *testing.T) {
	w := newSharedTestbed(t)
	w.serverFile(t, "chap-secrets", "carol * secret * -- framed-route 203.0.113.0/24\ndave * secret * -- framed-route 203.0.113.0/24\n", 0o600)
	server := w.serve(t)
	online := func(status.Status) bool { return true }
	routeTo := func(device string) func() bool {
		return func() bool {
			got := w.inServer(t, "route", "show", "203.0.113.0/24")
			return device == "" && got == "" || got == "203.0.113.0/24 dev "+device+" proto static scope link"
		}
	}
	lost := w.dialAs(t, w.client, "carol", "is online", online, "lcp-echo-interval", "0")
	await(t, "the route is there", routeTo("ppp0"))
	check(t, unix.Kill(lost.program.PID(), unix.SIGSTOP)) // as in a power cut
	carol := w.dialAs(t, w.other, "carol", "is online", online, "persist", "holdoff", "0")
	await(t, "the route leads to the newer session", routeTo("ppp1"))
	check(t, unix.Kill(lost.program.PID(), unix.SIGKILL))
	dave := &testbed{client: w.client, server: w.server, serverEtc: w.serverEtc}
	dave.newClientFiles(t)
	third := dave.start(t, "pppoe-client", "eth0", "user", "dave", "password", "secret", "noauth", "nodetach")
	check(t, server.Await("203.0.113.0/24 is already routed to ppp1"))
	if code, err := third.Wait(); err != nil || code == 0 {
		t.Errorf("the third client ended with %d, %v", code, err)
	}
	check(t, unix.Kill(carol.program.PID(), unix.SIGTERM))
	wantExit(t, carol.program, 5)
	await(t, "the route is gone", routeTo(""))
}

// TestSharedDeviceRouteTaken: a session whose route another device has ends, and the log names both.
func TestSharedDeviceRouteTaken(t *testing.T) {
	w := newSharedTestbed(t)
	w.inServer(t, "route", "add", "203.0.113.0/24", "dev", "eth0")
	server := w.serveShared(t)
	its := &testbed{client: w.client, server: w.server, serverEtc: w.serverEtc}
	its.newClientFiles(t)
	p := its.start(t, "pppoe-client", "eth0", "user", "carol", "password", "secret", "noauth", "nodetach")
	check(t, server.Await("203.0.113.0/24 is already routed to eth0"))
	if code, err := p.Wait(); err != nil || code == 0 {
		t.Errorf("the client ended with %d, %v", code, err)
	}
	w.twoCustomers(t)
}

// TestSharedDeviceTaken: a name that is taken is an error that says by whom.
func TestSharedDeviceTaken(t *testing.T) {
	w := newSharedTestbed(t)
	first := w.serveShared(t)
	cmd := exec.Command(filepath.Join(bin, "pppoe-server"), "-I", "eth0", "-F", "--etc", w.serverEtc, "--device", "shared")
	second := launch(t, w.server, cmd)
	wantExit(t, second, 1)
	if want := "shared device: pppoe0: an interface of that name is already there"; !strings.Contains(second.Log(), want) || !strings.Contains(second.Log(), "(\"pppoe-server\") uses it") {
		t.Errorf("the second server said %s; want %s", second.Log(), want)
	}
	w.inServer(t, "link", "delete", "pppoe0")
	wantExit(t, first, 1)
	if !strings.Contains(first.Log(), "the shared network device is lost") {
		t.Errorf("the server whose device was removed said %s", first.Log())
	}
}
