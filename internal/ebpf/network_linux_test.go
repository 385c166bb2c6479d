package ebpf

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
	"upppoe/tun"
)

// network is two stations of the real kernel, connected by a veth pair, each with an engine.
type network struct {
	t    testing.TB
	ends [2]*station
}

// station is one end of the network.
type station struct {
	t      testing.TB
	ns     *lab.Namespace
	addr   wire.Addr
	engine *Engine
	at     *Interface // ethernet
	// offloadTUN: TUN devices leave checksums and segmentation to user space.
	offloadTUN bool
}

const ethernet = "eth0"

var addrs = [2]wire.Addr{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}

// newNetwork connects two stations. The functions configure interface and engine beforehand.
func newNetwork(t testing.TB, prepare ...func(e *station, cfg *Config)) *network {
	t.Helper()
	roottest.Need(t)
	s := &network{t: t}
	for i := range s.ends {
		ns, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		s.ends[i] = &station{t: t, ns: ns, addr: addrs[i]}
	}
	a, b := s.ends[0], s.ends[1]
	if err := lab.Veth(lab.End{In: a.ns, Name: ethernet, MAC: a.addr.String()}, lab.End{In: b.ns, Name: ethernet, MAC: b.addr.String()}); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.ends {
		cfg := Config{Sessions: 64, Notify: func(text string) { t.Log(text) }}
		for _, f := range prepare {
			f(e, &cfg)
		}
		e.do(func() (err error) {
			e.engine, e.at, err = openAttached(cfg)
			return err
		})
		t.Cleanup(func() { e.engine.Close() })
		t.Log(e.at.Describe())
		if cfg.interval == 0 && !cfg.noPair {
			e.createPairs()
		}
	}
	return s
}

// openAttached opens an engine and attaches the Ethernet interface.
func openAttached(cfg Config) (*Engine, *Interface, error) {
	e, err := Open(cfg)
	if err != nil {
		return nil, nil, err
	}
	at, err := e.Attach(ethernet)
	if err != nil {
		e.Close()
	}
	return e, at, err
}

// createPairs creates the device pairs at once: few tests cause enough load.
func (e *station) createPairs() {
	e.t.Helper()
	for _, l := range e.at.pairs() {
		if !l.disabled {
			e.createPair(l)
		}
	}
}

func (e *station) createPair(l *pairLoad) {
	e.t.Helper()
	e.do(func() error {
		e.engine.mu.Lock()
		defer e.engine.mu.Unlock()
		return l.create(e.at)
	})
}

// hasPair reports whether programs use the segmentation pair.
func (e *station) hasPair() bool { return e.uses(&e.at.segmentation) }

// uses reports whether programs use a pair.
func (e *station) uses(l *pairLoad) bool {
	e.engine.mu.Lock()
	defer e.engine.mu.Unlock()
	return l.index != 0
}

// currentOffloadFlags returns the offload flags of the programs.
func (i *Interface) currentOffloadFlags() uint32 {
	i.engine.mu.Lock()
	defer i.engine.mu.Unlock()
	return i.offloadFlags
}

// do runs a function at the station; an error fails the test.
func (e *station) do(f func() error) {
	e.t.Helper()
	if err := e.ns.Do(f); err != nil {
		e.t.Fatal(err)
	}
}

// sessionEnd is one end of a session, with the data path in user space.
type sessionEnd struct {
	*station
	link      *Link
	kernel    datapath.OffloadSession
	id        uint16
	device    tun.Device
	userSpace *userSpacePath
	ipv4      netip.Addr
	ipv6      netip.Addr
}

// session opens a session between the stations, with both families. Its addresses are 10.0.ID.1 and
// fd00::ID:1 here, and end in 2 there.
func (s *network) session(id uint16, tags vlan.Stack, mtu int) (here, there *sessionEnd) {
	s.t.Helper()
	var ends [2]*sessionEnd
	for i, e := range s.ends {
		ends[i] = e.openSession(id, tags, s.ends[1-i].addr, mtu, [2]byte{byte(id), byte(i + 1)})
	}
	return ends[0], ends[1]
}

// vlanSession opens session 7, whose addresses have a number in place of its ID.
func (s *network) vlanSession(number byte, tags vlan.Stack, mtu int) (here, there *sessionEnd) {
	s.t.Helper()
	var ends [2]*sessionEnd
	for i, e := range s.ends {
		ends[i] = e.openSession(7, tags, s.ends[1-i].addr, mtu, [2]byte{number, byte(i + 1)})
	}
	return ends[0], ends[1]
}

func (e *station) openSession(id uint16, tags vlan.Stack, peer wire.Addr, mtu int, host [2]byte) *sessionEnd {
	e.t.Helper()
	t := &sessionEnd{station: e, id: id, link: e.at.Link(tags, 0)}
	t.ipv4 = netip.AddrFrom4([4]byte{10, 0, host[0], host[1]})
	t.ipv6 = netip.AddrFrom16([16]byte{0xfd, 13: host[0], 15: host[1]})
	e.do(func() (err error) {
		if t.device, err = e.openTUN(); err != nil {
			return err
		}
		if err := t.configure(mtu); err != nil {
			return err
		}
		port, err := afpacket.Open(afpacket.Attachment{Interface: ethernet, VLAN: tags, Source: t.source()}, wire.EtherTypeSession)
		if err != nil {
			return err
		}
		if err := t.link.FilterSessions(port); err != nil {
			return err
		}
		session := sessionConfig(id, e.addr, peer, t.device)
		t.userSpace = newUserSpacePath(port, session)
		t.kernel, err = t.link.Add(session)
		return err
	})
	t.kernel.SetFamilies(true, true)
	e.t.Cleanup(func() {
		t.kernel.Remove()
		t.userSpace.close()
	})
	return t
}

// add adds a session to the kernel data path again.
func (t *sessionEnd) add() {
	t.t.Helper()
	t.do(func() (err error) {
		t.kernel, err = t.link.Add(t.userSpace.SessionConfig)
		return err
	})
}

func sessionConfig(id uint16, local, peer wire.Addr, device tun.Device) datapath.SessionConfig {
	return datapath.SessionConfig{Key: datapath.Key{SessionID: id, Local: local, Peer: peer}, Device: device}
}

func (e *station) openTUN() (tun.Device, error) {
	if e.offloadTUN {
		return openOffloadTUN()
	}
	return tun.Open(tun.Config{})
}

// source is the station's address, if it differs from the interface's.
func (e *station) source() wire.Addr {
	if e.addr == addrs[0] || e.addr == addrs[1] {
		return wire.Addr{}
	}
	return e.addr
}

func (t *sessionEnd) configure(mtu int) error {
	link, err := netlink.LinkByName(t.device.Name())
	if err != nil {
		return err
	}
	for _, a := range []netip.Prefix{netip.PrefixFrom(t.ipv4, 24), netip.PrefixFrom(t.ipv6, 120)} {
		addr, err := netlink.ParseAddr(a.String())
		if err != nil {
			return err
		}
		addr.Flags = unix.IFA_F_NODAD
		if err := netlink.AddrAdd(link, addr); err != nil {
			return err
		}
	}
	if err := netlink.LinkSetMTU(link, mtu); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	return t.awaitLocalRoute()
}

// awaitLocalRoute waits until packets for the IPv6 address are accepted: the kernel adds the route
// asynchronously.
func (t *sessionEnd) awaitLocalRoute() error {
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteGet(t.ipv6.AsSlice())
		if err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("no local route for %v", t.ipv6)
}
