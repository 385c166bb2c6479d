package linux

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"

	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/prefixroute"
	"upppoe/internal/host/sharednet"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// SharedNetworkConfig is the configuration of NewSharedNetwork. IPv4 must be set.
type SharedNetworkConfig struct {
	// Name is the name of the device: 1 to 15 characters; empty: pppoe0. A persistent TUN device of
	// that name (tun.IsPersistent) is used; any other interface of that name is an error.
	Name string
	// Owner, if not empty, makes the device outlive the process, with addresses and routes: a name of the
	// server, the same for its successor, which takes over the device by both names. Leave keeps it, Close
	// removes it. The device's tag (net.ipv4.conf) stands for the owner.
	Owner string
	// Inherited are the Descriptors of the SharedNetwork of another process, which goes on until it closes
	// or leaves it: the device is used with what waits in its queues. Descriptors that do not fit are
	// closed, and the device is opened. Nil: there are none.
	Inherited []*os.File
	// Held leaves packets from the host in the device until Start: for a Server that is about to adopt
	// sessions.
	Held bool
	// Clean removes the device that an earlier process of the Owner has left.
	Clean bool
	// DataPath must be that of the Server; it determines the kind of device.
	DataPath datapath.Kind
	// Queues is the number of the device's queues, where DataPath moves GSO packets; 0: as many as
	// processors.
	Queues int
	// MTU is the MTU of the device in octets; 0: 1492. Packets that are longer than a session's own
	// are fragmented, or answered by an ICMP error.
	MTU int
	// IPv4 and IPv6 are the server's addresses, which the device has, and ICMP errors for packets to
	// sessions come from. An invalid IPv6: errors come from an address that another interface has.
	IPv4, IPv6 netip.Addr
	// NoIPv6 leaves the device without IPv6.
	NoIPv6 bool
	// Pools are the prefixes from which sessions get addresses: see PoolPrefixes. Each has a route to
	// the device.
	Pools []netip.Prefix
	// VRF is the name of an existing VRF device that the device is enslaved to; empty: none.
	VRF string
	// Table is the routing table of all routes; 0: the main table, or that of the VRF.
	Table int
	// Isolate drops packets from one session to another.
	Isolate bool
	// Local is called with IPv6 packets that must not leave a session's link, like Router
	// Solicitations and DHCPv6. It may be called concurrently, must not block, and must not keep the
	// packet. Nil: they are dropped.
	Local func(session pppoe.SessionKey, packet []byte)
	// Lost is called once if the device fails before Close. Nil: not called.
	Lost func(error)
	// RouteFailed is called when the route of a session's prefix could not be added, by a goroutine;
	// further routes wait until it returns. See Server.FailNetwork. Nil: the error is logged.
	RouteFailed func(pppoe.SessionInfo, error)
	// Log receives warnings and notices; nil: none are written.
	Log *slog.Logger
}

// SharedNetwork is a TUN device of this machine for all sessions of a Server, and its routes.
type SharedNetwork struct {
	network *sharednet.Network
	device  *datapath.SharedDevice
	owner   string
	log     *slog.Logger
}

// NewSharedNetwork creates the device in the thread's network namespace, with addresses, sysctls and
// the routes of the pools, by rtnetlink, and starts to read it, unless it is Held. It requires CAP_NET_ADMIN. The error
// says what is wrong: it wraps ErrConfig or an error of package tun, or names a pool that is routed
// to another interface.
func NewSharedNetwork(cfg SharedNetworkConfig) (*SharedNetwork, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	network, err := sharednet.Open(sharednet.Config{
		Name: cfg.Name, Owner: cfg.Owner, Clean: cfg.Clean, Inherited: cfg.Inherited, DataPath: cfg.DataPath, Queues: cfg.Queues, MTU: cfg.MTU, IPv4: cfg.IPv4, IPv6: cfg.IPv6, NoIPv6: cfg.NoIPv6,
		Pools: cfg.Pools, VRF: cfg.VRF, Table: cfg.Table, RouteFailed: cfg.RouteFailed, Log: logger(cfg.Log),
	})
	if err != nil {
		return nil, err
	}
	shared := datapath.SharedConfig{Device: network.Device(), Kind: cfg.DataPath, Isolate: cfg.Isolate, Lost: cfg.Lost, Held: cfg.Held}
	shared.IPv4, shared.IPv6 = network.ICMPSources()
	if cfg.Local != nil {
		shared.Local = func(s datapath.SessionConfig, packet []byte) { cfg.Local(pppoe.KeyOf(s), packet) }
	}
	return &SharedNetwork{network, datapath.NewSharedDevice(shared), cfg.Owner, logger(cfg.Log)}, nil
}

// check names the first field whose value is invalid.
func (c *SharedNetworkConfig) check() error {
	switch {
	case netconfig.CheckHostAddress(c.IPv4) != nil:
		return fmt.Errorf("%w: IPv4 is %v", ErrConfig, c.IPv4)
	case c.IPv6.IsValid() && !c.IPv6.Is6():
		return fmt.Errorf("%w: IPv6 is %v", ErrConfig, c.IPv6)
	case c.Queues < 0:
		return fmt.Errorf("%w: Queues is %d", ErrConfig, c.Queues)
	case c.MTU < 0:
		return fmt.Errorf("%w: MTU is %d", ErrConfig, c.MTU)
	case c.Table < 0:
		return fmt.Errorf("%w: Table is %d", ErrConfig, c.Table)
	}
	return nil
}

// ServerConfig returns the value of ServerConfig.Shared.
func (n *SharedNetwork) ServerConfig() *pppoe.SharedNetwork {
	return &pppoe.SharedNetwork{Device: n.device, Routes: n.network}
}

// Name is the name of the network device.
func (n *SharedNetwork) Name() string { return n.device.Name() }

// Counters returns the packets from the host that no session got, since NewSharedNetwork.
func (n *SharedNetwork) Counters() datapath.SharedCounters { return n.device.Counters() }

// Start starts to read a device that was Held. It must be called once at most.
func (n *SharedNetwork) Start() { n.device.Start() }

// Descriptors returns other descriptors of the device, for SharedNetworkConfig.Inherited of another
// process. The caller closes them.
func (n *SharedNetwork) Descriptors() ([]*os.File, error) { return n.network.Descriptors() }

// StopReading leaves packets from the host in the device, for a successor that reads it, too. Packets from
// sessions still pass, until Close or Leave.
func (n *SharedNetwork) StopReading() { n.device.StopReading() }

// Sweep removes the routes that the sessions of an earlier process needed and none has set since
// NewSharedNetwork, and the devices of their own that sessions of one with NewNetwork had. It must be called
// once when all that are to be adopted were.
func (n *SharedNetwork) Sweep() {
	n.network.Sweep()
	if n.owner == "" {
		return
	}
	err := netconfig.RemoveOwned(n.owner, func(name string, _ int) bool { return name == n.Name() }, n.log)
	if err != nil {
		n.log.Warn(fmt.Sprintf("remove the devices of an earlier program: %v", err))
	}
}

// Leave closes the device, and leaves it to a successor if it has an owner.
func (n *SharedNetwork) Leave() error {
	err := n.device.Leave()
	n.network.Leave()
	return err
}

// Close removes the device and what was configured for it. The Server's sessions must have ended.
func (n *SharedNetwork) Close() error {
	err := n.device.Close()
	n.network.Close()
	return err
}

// PoolPrefixes returns the prefixes that contain exactly the addresses of a pool: as few as possible.
func PoolPrefixes(p pppoe.Pool) []netip.Prefix {
	if !p.First.IsValid() {
		return nil
	}
	if p.Max == 0 {
		p.Max = pppoe.DefaultSessions
	}
	return prefixroute.Cover(p.First, p.Address(p.Max-1))
}

// AddressPoolPrefixes is PoolPrefixes for pools together. They must not overlap.
func AddressPoolPrefixes(pools []pppoe.AddressPool) (all []netip.Prefix) {
	var ranges []pppoe.AddressRange
	for _, p := range pools {
		ranges = append(ranges, p.Addresses()...)
	}
	slices.SortFunc(ranges, func(a, b pppoe.AddressRange) int { return a.First.Compare(b.First) })
	for len(ranges) > 0 {
		first, last := ranges[0].First, ranges[0].Last
		for ranges = ranges[1:]; len(ranges) > 0 && last.Next() == ranges[0].First; ranges = ranges[1:] {
			last = ranges[0].Last
		}
		all = append(all, prefixroute.Cover(first, last)...)
	}
	return all
}
