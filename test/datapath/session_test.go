// Package datapath tests the data paths on the real kernel: a session between two network
// namespaces, with each path at either end.
package datapath

import (
	"context"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
)

// Addresses of the two ends.
const (
	clientIP, serverIP   = "192.0.2.10", "192.0.2.1"
	clientIP6, serverIP6 = "2001:db8::10", "2001:db8::1"
	clientMAC, serverMAC = "02:00:5e:00:53:02", "02:00:5e:00:53:01"
)

// macs are the addresses of the stations, in the order of connect.
var macs = []string{clientMAC, serverMAC, "02:00:5e:00:53:03"}

// mtu is the MTU of a session without RFC 4638 (RFC 2516 section 7).
const mtu = 1492

// timeout limits every wait for the other end.
const timeout = 20 * time.Second

// settings configures a session. The zero value has MTU 1492 and both families.
type settings struct {
	vlan       vlan.Stack
	queues     int                 // session ports and TUN queues of both ends; 0: one
	mtu        int                 // of the Ethernet interfaces; 0: 1500
	maxPayload int                 // PPP-Max-Payload of both ends (RFC 4638); 0: 1492
	without    ipFamily            // the family that neither end negotiates
	echo       lcp.Echo            // of both ends
	limits     pppoe.SessionLimits // of the client
	mss        int                 // as in pppoe.ClientConfig, of both ends
}

type ipFamily int

const (
	neither ipFamily = iota
	familyIPv4
	familyIPv6
)

// ends are the two ends of a session that is up.
type ends struct {
	client, server  *end
	wire            *lab.Namespace // between them
	checksumsFilled bool           // the kernel completes checksums before the Ethernet interfaces
	dialer          *pppoe.Client
	mtu             int // of the session
}

// dial has a client dial a server, each with its data path, in namespaces of their own.
func dial(t *testing.T, by, with datapath.Kind, s settings) *ends {
	t.Helper()
	roottest.Need(t)
	e := &ends{client: newEnd(t, by), server: newEnd(t, with)}
	e.client.opener.Queues, e.server.opener.Queues = s.queues, s.queues
	if s.without == familyIPv6 { // the kernel must not send any
		sysctl(t, e.client.Namespace, "ipv6/conf/default/disable_ipv6", "1")
		sysctl(t, e.server.Namespace, "ipv6/conf/default/disable_ipv6", "1")
	}
	if e.mtu = mtu; s.maxPayload > 0 {
		e.mtu = s.maxPayload
	}
	e.wire = connect(t, s.mtu, e.client, e.server)
	e.server.serve(t, s)
	e.dialer = e.client.dial(t, s)
	for _, one := range []*end{e.client, e.server} {
		one.await(t, s)
	}
	if s.without != familyIPv4 {
		e.awaitAnswer(t, serverIP)
	}
	if s.without != familyIPv6 {
		must(t, e.client.Address("ppp0", clientIP6+"/64"))
		must(t, e.server.Address("ppp0", serverIP6+"/64"))
		e.awaitAnswer(t, serverIP6)
	}
	return e
}

// connect connects stations by a bridge, where all frames can be captured: those that XDP receives,
// or user space sends, cannot at the ends. The bridge's ports are 0, 1 and so on.
func connect(t *testing.T, mtu int, stations ...*end) *lab.Namespace {
	t.Helper()
	wire := labtest.Namespace(t)
	sysctl(t, wire, "ipv6/conf/default/disable_ipv6", "1")
	var ports []string
	for i, s := range stations {
		port := strconv.Itoa(i)
		ports = append(ports, port)
		must(t, lab.Veth(lab.End{In: s.Namespace, Name: "eth0", MAC: macs[i]}, lab.End{In: wire, Name: port}))
		if mtu != 0 {
			must(t, s.SetMTU("eth0", mtu))
			must(t, wire.SetMTU(port, mtu))
		}
	}
	must(t, wire.Bridge("bridge", ports...))
	return wire
}

// awaitAnswer waits until the server answers at an address.
func (e *ends) awaitAnswer(t *testing.T, to string) {
	t.Helper()
	_, err := e.client.Ping(netip.MustParseAddr(to), 1, timeout)
	must(t, err)
}

// dial runs a client.
func (e *end) dial(t *testing.T, s settings) *pppoe.Client {
	t.Helper()
	cfg := e.session(s, ipcp.Config{AcceptLocal: true, AcceptRemote: true}, ipv6cp.Config{AcceptLocal: true})
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		Interface: "eth0",
		OpenPorts: func() (pppoe.Ports, error) { return e.ports(s.vlan) },
		Discovery: discovery.ClientConfig{MaxPayload: s.maxPayload},
		Session:   cfg,
		DataPath:  e.path,
		Network:   e.host(),
		Limits:    s.limits,
		MSS:       s.mss,
		Notify:    e.notify,
		Trace:     true,
	})
	must(t, err)
	runUntilEnd(t, func(ctx context.Context) { client.Run(ctx) }, e)
	return client
}

// serve runs a server.
func (e *end) serve(t *testing.T, s settings) {
	t.Helper()
	ports, err := e.ports(s.vlan)
	must(t, err)
	cfg := e.session(s, ipcp.Config{Local: netip.MustParseAddr(serverIP)}, ipv6cp.Config{})
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "lab"},
		Session:      cfg,
		Pool:         pppoe.Pool{Max: 4, First: netip.MustParseAddr(clientIP)},
		DataPath:     e.path,
		Network:      e.host(),
		MSS:          s.mss,
		Notify:       e.notify,
		Trace:        true,
	}, []pppoe.Listener{{Interface: "eth0", Ports: ports}})
	must(t, err)
	runUntilEnd(t, func(ctx context.Context) { server.Run(ctx) }, e)
}

// session returns the PPP configuration of an end.
func (e *end) session(s settings, v4 ipcp.Config, v6 ipv6cp.Config) session.Config {
	cfg := session.Config{IPv4: &v4, IPv6: &v6}
	switch s.without {
	case familyIPv4:
		cfg.IPv4 = nil
	case familyIPv6:
		cfg.IPv6 = nil
	}
	cfg.LCP.MRU = s.maxPayload
	cfg.LCP.Echo = s.echo
	return cfg
}

// runUntilEnd runs a function until the test ends, or e.stop is called.
func runUntilEnd(t *testing.T, run func(context.Context), e *end) {
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { run(ctx) })
	e.stop = func() {
		stop()
		done.Wait()
	}
	t.Cleanup(e.stop)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
