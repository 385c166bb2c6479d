package ipv6_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/ipv6"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/server"
	"upppoe/internal/roottest"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// peerSide is one end of the session: a namespace with the device ppp0.
type peerSide struct {
	*lab.Namespace
	t      *testing.T
	device tun.Device
	local  netip.Addr
}

func newSide(t *testing.T, local, remote string) *peerSide {
	t.Helper()
	n := labtest.Namespace(t)
	s := &peerSide{Namespace: n, t: t, local: netip.MustParseAddr(local)}
	one := func(a netip.Addr) *net.IPNet { return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(128, 128)} }
	check(t, n.Do(func() error {
		d, err := tun.Open(tun.Config{Name: "ppp0"})
		if err != nil {
			return err
		}
		s.device = d
		link, err := netlink.LinkByName("ppp0")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		return netlink.AddrAdd(link, &netlink.Addr{IPNet: one(s.local), Peer: one(netip.MustParseAddr(remote)), Scope: unix.RT_SCOPE_LINK})
	}))
	t.Cleanup(func() { s.device.Close() })
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// carry forwards packets from one device to another, as a session would.
func carry(from, to tun.Device) {
	buf, sizes := [][]byte{make([]byte, 2000)}, make([]int, 1)
	for {
		if _, err := from.Read(buf, sizes, 0); err != nil {
			return
		}
		if _, err := to.Write([][]byte{buf[0][:sizes[0]]}, 0); err != nil {
			return
		}
	}
}

// newSession connects a client's and a server's side.
func newSession(t *testing.T) (client, serverSide *peerSide) {
	roottest.Need(t)
	client, serverSide = newSide(t, "fe80::2", "fe80::1"), newSide(t, "fe80::1", "fe80::2")
	go carry(client.device, serverSide.device)
	go carry(serverSide.device, client.device)
	return client, serverSide
}

// program is a running Run.
type program[S any] struct {
	t        *testing.T
	end      context.CancelCauseFunc
	result   chan error
	mu       sync.Mutex
	state    S
	notified int
}

func (p *program[S]) notify(s S) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.notified++
}

func run[S any](s *peerSide, f func(ctx context.Context, p *program[S]) error) *program[S] {
	ctx, end := context.WithCancelCause(context.Background())
	p := &program[S]{t: s.t, end: end, result: make(chan error, 1)}
	go func() { p.result <- s.Do(func() error { return f(ctx, p) }) }()
	s.t.Cleanup(func() { end(nil) })
	return p
}

func (p *program[S]) await(what string, ok func(S) bool) S {
	p.t.Helper()
	for end := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		s := p.state
		p.mu.Unlock()
		if ok(s) {
			return s
		}
		select {
		case err := <-p.result:
			p.t.Fatalf("ended while waiting for %s: %v", what, err)
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("no %s: %+v", what, s)
		}
	}
}

func (p *program[S]) stop(cause error) {
	p.t.Helper()
	p.end(cause)
	select {
	case err := <-p.result:
		if err != nil {
			p.t.Errorf("ended with %v", err)
		}
	case <-time.After(timeout):
		p.t.Fatal("does not end")
	}
}

// eventually waits for a state of the kernel.
func eventually(t *testing.T, what string, ok func() (bool, string)) {
	t.Helper()
	for end := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		good, now := ok()
		if good {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: there is %s", what, now)
		}
	}
}

// addresses returns the addresses of an interface except link-local ones, sorted.
func (s *peerSide) addresses(iface string) (list []netlink.Addr) {
	s.t.Helper()
	check(s.t, s.Do(func() error {
		link, err := netlink.LinkByName(iface)
		if err != nil {
			return err
		}
		all, err := netlink.AddrList(link, netlink.FAMILY_V6)
		for _, a := range all {
			if !a.IP.IsLinkLocalUnicast() {
				list = append(list, a)
			}
		}
		return err
	}))
	slices.SortFunc(list, func(a, b netlink.Addr) int { return strings.Compare(a.IPNet.String(), b.IPNet.String()) })
	return list
}

func (s *peerSide) addressText(iface string) string {
	var texts []string
	for _, a := range s.addresses(iface) {
		texts = append(texts, a.IPNet.String())
	}
	return strings.Join(texts, " ")
}

// routes returns all routes except those that every interface has, sorted.
func (s *peerSide) routes() string {
	s.t.Helper()
	var texts []string
	check(s.t, s.Do(func() error {
		all, err := netlink.RouteList(nil, netlink.FAMILY_V6)
		for _, r := range all {
			link, _ := netlink.LinkByIndex(r.LinkIndex)
			switch {
			case r.Dst.IP.IsLinkLocalUnicast() || r.Dst.IP.IsMulticast() || r.Protocol == unix.RTPROT_KERNEL && link.Attrs().Name == "lo":
			case r.Type == unix.RTN_UNREACHABLE:
				texts = append(texts, "unreachable "+r.Dst.String())
			case r.Gw != nil:
				texts = append(texts, r.Dst.String()+" via "+r.Gw.String()+" "+link.Attrs().Name)
			default:
				texts = append(texts, r.Dst.String()+" "+link.Attrs().Name)
			}
		}
		return err
	}))
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func (s *peerSide) wantRoutes(want string) {
	s.t.Helper()
	eventually(s.t, "routes want to be "+want, func() (bool, string) { got := s.routes(); return got == want, got })
}

func pool(t *testing.T, base string, bits int) *assign.Pool {
	t.Helper()
	p, err := assign.NewPool(netip.MustParsePrefix(base), bits)
	check(t, err)
	return p
}

func serverConfig(t *testing.T) server.Config {
	return server.Config{
		Device: "ppp0", Remote: netip.MustParseAddr("fe80::2"), Key: "alice", MTU: 1400, Log: slog.New(slog.DiscardHandler), Config: assign.Config{
			DUID: dhcp6.DUID{0, 3, 0, 1, 1},
			// Pools of one prefix each make the result predictable.
			Networks: pool(t, "2001:db8:1::/64", 64), Addresses: pool(t, "2001:db8:2::/127", 128), Prefixes: pool(t, "2001:db8:100::/56", 56),
			Preferred: 4 * time.Second, Valid: 8 * time.Second, Interval: 4 * time.Second,
			NameServers: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, SearchDomains: []string{"example.org"},
		}}
}

func (s *peerSide) serve(cfg server.Config) *program[assign.State] {
	return run(s, func(ctx context.Context, p *program[assign.State]) error {
		cfg.Notify = p.notify
		return server.Run(ctx, cfg)
	})
}

func (s *peerSide) dial(cfg ipv6.Config) *program[ipv6.State] {
	return run(s, func(ctx context.Context, p *program[ipv6.State]) error {
		cfg.Notify = p.notify
		return ipv6.Run(ctx, cfg)
	})
}

func clientConfig() ipv6.Config {
	return ipv6.Config{
		Device: "ppp0", Local: netip.MustParseAddr("fe80::2"), DefaultRoute: true, DeviceDefaultRoute: true, RequestPrefix: true,
		DUID: dhcp6.DUID{0, 3, 0, 1, 2}, LANs: []ipv6.LAN{{Interface: "lan0", Subnet: 3, Advertise: true}}, Log: slog.New(slog.DiscardHandler),
	}
}
