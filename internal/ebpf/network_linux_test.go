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

// network is two stations of the real kernel, joined by a veth pair, each with an engine.
type network struct {
	t    testing.TB
	ends [2]*station
}

// station is a station.
type station struct {
	t      testing.TB
	ns     *lab.Namespace
	addr   wire.Addr
	engine *Engine
	// offloading: TUN devices leave work to user space.
	offloadTUN bool
}

const ethernet = "eth0"

var addrs = [2]wire.Addr{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}}

// newNetwork joins two stations. The functions, if there are any, set up interface and engine
// beforehand.
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
		cfg := Config{Interface: ethernet, Sessions: 64, Notify: func(text string) { t.Log(text) }}
		for _, f := range prepare {
			f(e, &cfg)
		}
		e.do(func() (err error) {
			e.engine, err = Open(cfg)
			return err
		})
		t.Cleanup(func() { e.engine.Close() })
		t.Log(e.engine.Describe())
		if cfg.interval == 0 && !cfg.noPair {
			e.createPair()
		}
	}
	return s
}

// createPair makes the detour at once: few tests load an engine as much as it takes.
func (e *station) createPair() {
	e.t.Helper()
	e.do(func() error {
		e.engine.mu.Lock()
		defer e.engine.mu.Unlock()
		return e.engine.createPair()
	})
}

// hasPair reports whether there is a detour.
func (e *station) hasPair() bool {
	e.engine.mu.Lock()
	defer e.engine.mu.Unlock()
	return e.engine.load.pairIndex != 0
}

// currentOffloadFlags are the flags that an engine's programs have been told.
func (e *Engine) currentOffloadFlags() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.offloadFlags
}

// do runs a function at the station, which must not fail.
func (e *station) do(f func() error) {
	e.t.Helper()
	if err := e.ns.Do(f); err != nil {
		e.t.Fatal(err)
	}
}

// sessionEnd is an end of a session, with user space's part of it.
type sessionEnd struct {
	*station
	link   *Link
	id     uint16
	device tun.Device
	relay  *relay
	ipv4   netip.Addr
	ipv6   netip.Addr
}

// session opens a session between the stations, with both families. Its addresses are
// 10.0.ID.1 and fd00::ID:1 here, and with a 2 at their end there.
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
	t := &sessionEnd{station: e, id: id, link: e.engine.Link(tags, 0)}
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
		tunnel := datapath.Session{SessionID: id, Local: e.addr, Peer: peer, Device: t.device}
		t.relay = newRelay(port, tunnel)
		return t.link.Add(tunnel)
	})
	t.link.SetFamilies(id, true, true)
	e.t.Cleanup(func() {
		t.link.Remove(id)
		t.relay.close()
	})
	return t
}

func (e *station) openTUN() (tun.Device, error) {
	if e.offloadTUN {
		return openOffloadTUN()
	}
	return tun.Open(tun.Config{})
}

// source is the station's address, if it is not the interface's.
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

// awaitLocalRoute waits until packets for the IPv6 address are taken in: the kernel makes the
// route at its leisure.
func (t *sessionEnd) awaitLocalRoute() error {
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteGet(t.ipv6.AsSlice())
		if err == nil && len(routes) == 1 && routes[0].Type == unix.RTN_LOCAL {
			return nil
		}
	}
	return fmt.Errorf("%v is not taken in", t.ipv6)
}
