package ebpf

import (
	"fmt"
	"net/netip"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
	"upppoe/tun"
)

// hub is a concentrator with a shared device and two Ethernet interfaces, and a client on each. Both
// clients have the same address and the same session ID.
type hub struct {
	hubConfig
	*sessionEnd
	clients [2]*sessionEnd
	at      [2]*Interface
	paths   [2]datapath.Path
	shared  *datapath.SharedDevice
	open    [2]datapath.Session
}

type hubConfig struct {
	tags     [2]vlan.Stack // of the clients' sessions
	isolate  bool
	kind     datapath.Kind // of user space
	noKernel bool
}

const (
	hubDevice = "pppoe0"
	hubMTU    = 1480
)

// newHub opens a session for each client, in a VLAN each. Client i has addresses 10.0.i+1.1 and
// fd00::i+1:1, and networks behind them, 10.1.i+1.0/24 and fd01:0:0:i+1::/64.
func newHub(t testing.TB, c hubConfig, prepare ...func(e *station, cfg *Config)) *hub {
	t.Helper()
	roottest.Need(t, "ip", "sysctl")
	h := &hub{hubConfig: c, sessionEnd: &sessionEnd{station: newStation(t), ipv4: netip.MustParseAddr("10.255.0.1"), ipv6: netip.MustParseAddr("fd00:255::1")}}
	clients := [2]*station{newStation(t), newStation(t)}
	for i, c := range clients {
		c.addr = addrs[0]
		check(t, lab.Veth(lab.End{In: c.ns, Name: ethernet, MAC: addrs[0].String()}, lab.End{In: h.ns, Name: fmt.Sprintf("eth%d", i), MAC: addrs[1].String()}))
	}
	h.start(prepare)
	for i, c := range clients {
		c.start(prepare)
		h.clients[i] = c.openSession(1, h.tags[i], addrs[1], hubMTU, [2]byte{byte(i + 1), 1})
		for _, to := range []string{"10.0.0.0/8", "fd00:255::/32", "fd00::/96", "fd01::/32"} {
			sh(t, c.ns, "ip", "route", "add", to, "dev", h.clients[i].device.Name())
		}
		h.paths[i] = h.path(i)
		h.open[i] = h.add(h.paths[i], 1, addrs[0], i+1)
	}
	return h
}

func newStation(t testing.TB) *station {
	t.Helper()
	ns, err := lab.NewNamespace()
	check(t, err)
	t.Cleanup(func() { ns.Close() })
	return &station{t: t, ns: ns}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start opens the engine of a client.
func (e *station) start(prepare []func(*station, *Config)) {
	cfg := Config{Sessions: 4, InNamespace: e.ns.Do, Notify: func(text string) { e.t.Log(text) }}
	for _, f := range prepare {
		f(e, &cfg)
	}
	e.do(func() (err error) {
		e.engine, e.at, err = openAttached(cfg)
		return err
	})
	e.t.Cleanup(func() { e.engine.Close() })
	e.createPairs()
}

// start opens the shared device and the engine of the hub, with both interfaces.
func (h *hub) start(prepare []func(*station, *Config)) {
	cfg := Config{Sessions: 10_100, InNamespace: h.ns.Do, Notify: func(text string) { h.t.Log(text) }}
	for _, f := range prepare {
		f(h.station, &cfg)
	}
	h.do(func() (err error) {
		if h.device, err = tun.OpenGSO(tun.Config{Name: hubDevice, Queues: 2}); err != nil {
			return err
		}
		h.shared = datapath.NewSharedDevice(datapath.SharedConfig{Device: h.device, IPv4: h.ipv4, IPv6: h.ipv6, Isolate: h.isolate, Kind: h.kind, Local: func(datapath.SessionConfig, []byte) {}})
		if h.engine, err = Open(cfg); err != nil {
			return err
		}
		for i := range h.at {
			if h.at[i], err = h.engine.Attach(fmt.Sprintf("eth%d", i)); err != nil {
				return err
			}
		}
		return nil
	})
	h.t.Cleanup(func() { h.engine.Close() })
	for _, h.station.at = range h.at {
		h.createPairs()
	}
	sh(h.t, h.ns, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf."+hubDevice+".accept_local=1")
	for _, words := range [][]string{
		{"link", "set", hubDevice, "up", "mtu", "1492"},
		{"address", "add", h.ipv4.String() + "/32", "dev", hubDevice}, {"address", "add", h.ipv6.String() + "/128", "dev", hubDevice, "nodad"},
		{"route", "add", "10.0.0.0/8", "dev", hubDevice}, {"route", "add", "fd00::/96", "dev", hubDevice}, {"route", "add", "fd01::/32", "dev", hubDevice},
	} {
		sh(h.t, h.ns, "ip", words...)
	}
	h.do(h.awaitLocalRoute)
}

// path starts user space for an attachment.
func (h *hub) path(i int) datapath.Path {
	link := h.at[i].Link(h.tags[i], 0)
	var port *afpacket.Port
	h.do(func() (err error) {
		if port, err = afpacket.Open(afpacket.Attachment{Interface: fmt.Sprintf("eth%d", i), VLAN: h.tags[i]}, wire.EtherTypeSession); err != nil {
			return err
		}
		return link.FilterSessions(port)
	})
	path := datapath.New(h.kind, []datapath.Port{port}, func([]byte) {}, func(datapath.SessionConfig) {})
	done := make(chan error)
	go func() { done <- path.Receive(0) }()
	h.t.Cleanup(func() {
		h.shared.Close()
		port.Close()
		<-done
	})
	if h.noKernel {
		return path
	}
	return datapath.NewOffloaded(path, link, func(_ datapath.SessionConfig, why error) {
		if why != nil {
			h.t.Error(why)
		}
	})
}

// add adds a session with the addresses and networks of a number.
func (h *hub) add(p datapath.Path, id uint16, peer wire.Addr, number int) datapath.Session {
	h.t.Helper()
	var s datapath.Session
	h.do(func() (err error) {
		s, err = p.Add(datapath.SessionConfig{Key: datapath.Key{SessionID: id, Local: addrs[1], Peer: peer}, Shared: h.shared})
		return err
	})
	check(h.t, s.SetPrefixes(prefixesOf(number)))
	s.SetMTU(hubMTU)
	s.SetFamilies(true, true)
	return s
}

// prefixesOf returns the addresses and networks of a session.
func prefixesOf(number int) []netip.Prefix {
	high, low := number>>8, number&0xff
	return prefixes(fmt.Sprintf("10.%d.%d.1/32", 2*high, low), fmt.Sprintf("10.%d.%d.0/24", 2*high+1, low),
		fmt.Sprintf("fd00::%x:0/112", number), fmt.Sprintf("fd01:0:0:%x::/64", number))
}

// kernel returns the sum of what the kernel has counted for the sessions of an interface.
func (h *hub) counted(i int) (c datapath.Counters) {
	h.engine.mu.Lock()
	defer h.engine.mu.Unlock()
	for s := range h.at[i].sessions.All() {
		for ; s != nil; s = s.ambiguous {
			c = sum(c, s.readCounters())
		}
	}
	return c
}

func sum(c, d datapath.Counters) datapath.Counters {
	zero := datapath.Counters{}
	return difference(c, difference(zero, d))
}
