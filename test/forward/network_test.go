package forward

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// network is the path from a host behind our client to one behind our server. The Ethernets
// have an MTU of 1500:
//
//	inside --- client === PPPoE === server --- outside
type network struct {
	inside, client, server, outside *lab.Namespace
}

// Prefixes and addresses of the hosts at the ends.
var (
	insideNets  = []string{"198.51.100.0/24", "2001:db8:1::/64"}
	outsideNets = []string{"203.0.113.0/24", "2001:db8:2::/64"}
	outside4    = netip.MustParseAddr("203.0.113.2")
	outside6    = netip.MustParseAddr("2001:db8:2::2")
)

func newNetwork(t *testing.T) *network {
	t.Helper()
	j := &network{inside: labtest.Namespace(t), client: labtest.Namespace(t), server: labtest.Namespace(t), outside: labtest.Namespace(t)}
	for _, n := range []*lab.Namespace{j.inside, j.client, j.server, j.outside} {
		// Addresses are usable at once.
		sysctl(t, n, "ipv6/conf/all/accept_dad", "0")
		sysctl(t, n, "ipv6/conf/default/accept_dad", "0")
	}
	for _, n := range []*lab.Namespace{j.client, j.server} {
		sysctl(t, n, "ipv4/ip_forward", "1")
		sysctl(t, n, "ipv6/conf/all/forwarding", "1")
	}
	check(t, lab.Veth(lab.End{In: j.client, Name: "eth0"}, lab.End{In: j.server, Name: "eth0"}))
	connectHost(t, j.inside, j.client, "198.51.100.2/24", "198.51.100.1/24", "2001:db8:1::2/64", "2001:db8:1::1/64")
	connectHost(t, j.outside, j.server, "203.0.113.2/24", "203.0.113.1/24", "2001:db8:2::2/64", "2001:db8:2::1/64")
	return j
}

// connectHost connects a host to a router, with pairs of addresses.
func connectHost(t *testing.T, host, router *lab.Namespace, pairs ...string) {
	t.Helper()
	check(t, lab.Veth(lab.End{In: host, Name: "eth0"}, lab.End{In: router, Name: "eth1"}))
	for i := 0; i < len(pairs); i += 2 {
		check(t, host.Address("eth0", pairs[i]))
		check(t, router.Address("eth1", pairs[i+1]))
		gateway := netip.MustParsePrefix(pairs[i+1]).Addr()
		ip(t, host, "route", "add", "default", "via", gateway.String())
	}
}

func ip(t *testing.T, in *lab.Namespace, args ...string) {
	t.Helper()
	if out, err := in.Run("ip", args...); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
}

func sysctl(t *testing.T, in *lab.Namespace, name, value string) {
	t.Helper()
	check(t, in.Do(func() error { return os.WriteFile(filepath.Join("/proc/sys/net", name), []byte(value), 0) }))
}

// awaitSession waits until both ends of the session have both families, and adds routes between the
// hosts.
func (j *network) awaitSession(t *testing.T, client, server *lab.Program) {
	t.Helper()
	for _, p := range []*lab.Program{client, server} {
		check(t, p.Await("remote IP address"))
		check(t, p.Await("remote LL address"))
	}
	for i := range insideNets {
		ip(t, j.client, "route", "add", outsideNets[i], "dev", "ppp0")
		ip(t, j.server, "route", "add", insideNets[i], "dev", "ppp0")
	}
}
