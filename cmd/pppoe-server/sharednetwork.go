package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/scripts"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/runner"
	"upppoe/internal/ipv6/shared"
	"upppoe/internal/state"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/linux"
)

// sharedNetwork is a network with one device for all sessions.
type sharedNetwork struct {
	log      *slog.Logger
	device   *linux.SharedNetwork
	scripts  *scripts.Pool
	v6       *shared.Service[pppoe.SessionKey] // nil: there are neither pools nor RADIUS servers
	v6Pools  bool
	v6Config assign.Config
	server   *pppoe.Server
	state    *sessionState

	stopIPv6 context.CancelFunc
	running  sync.WaitGroup
}

func newSharedNetwork(c *serverconfig.Config, sessions *sessionState, device []*os.File, fail context.CancelCauseFunc, log *slog.Logger) (network, error) {
	s, n := c.Options, &sharedNetwork{log: log, state: sessions}
	var err error
	if n.v6, err = n.newIPv6(c); err != nil {
		return nil, err
	}
	cfg := linux.SharedNetworkConfig{
		Inherited: device, Held: true,
		Name: c.Device.Name, Owner: sessions.owner(), Clean: sessions.isClean(), DataPath: s.DataPath, Queues: s.Queues, MTU: sharedMTU(s), IPv4: c.IPv4.Local, IPv6: c.IPv6.Local, NoIPv6: s.NoIPv6,
		Pools: pools(c), Isolate: c.Device.Isolate, Log: log,
		Lost:        func(err error) { fail(fmt.Errorf("the shared network device is lost: %w", err)) },
		RouteFailed: func(l pppoe.SessionInfo, err error) { n.server.FailNetwork(l.Key(), err) }, // the session may have ended
	}
	if n.v6 != nil {
		cfg.Local = n.v6.Receive
	}
	if n.device, err = linux.NewSharedNetwork(cfg); err != nil {
		return nil, fmt.Errorf("shared device: %w", err)
	}
	n.scripts = scripts.NewPool(n.scriptsOf(c))
	return n, nil
}

// sharedMTU returns the MTU of the device: the largest that a session may have.
func sharedMTU(s *pppd.Settings) int {
	if s.MTU > 0 {
		return s.MTU
	}
	return max(s.WantedMRU(), discovery.EthernetPayload)
}

// pools returns the prefixes of all pools.
func pools(c *serverconfig.Config) []netip.Prefix {
	return slices.Concat(linux.PoolPrefixes(poolOf(c)), linux.AddressPoolPrefixes(c.Pools), c.IPv6.Prefixes())
}

func (n *sharedNetwork) scriptsOf(c *serverconfig.Config) scripts.PoolConfig {
	return scripts.PoolConfig{Config: scriptsOf(c, n.log), SharedDevice: n.device.Name()}
}

// newIPv6 returns the service of router advertisements and DHCPv6; nil if no IPv6 flag is given.
func (n *sharedNetwork) newIPv6(c *serverconfig.Config) (*shared.Service[pppoe.SessionKey], error) {
	n.v6Pools = len(c.IPv6.Prefixes()) > 0
	if !n.v6Pools && len(c.RADIUS.Servers) == 0 {
		return nil, nil
	}
	v6 := poolsOf(&c.IPv6)
	n.v6Config = v6.assignConfig(loadDUID(c, n.log))
	return shared.New(shared.Config[pppoe.SessionKey]{
		Config: n.v6Config,
		Send:   func(session pppoe.SessionKey, packet []byte) { n.server.Send(session, packet) },
		Assigned: func(session pppoe.SessionKey, s, _ assign.State) {
			n.server.SetSourcePrefixes(session, []netip.Prefix{s.Network, s.Address, s.Delegated})
		},
		Keep: func(session pppoe.SessionKey, part []byte) { n.state.put(session.Generation, state.IPv6, part) },
		Log:  n.log,
	})
}

func (n *sharedNetwork) use(c *serverconfig.Config) { n.scripts.Use(n.scriptsOf(c)) }

func (n *sharedNetwork) configure(cfg *pppoe.ServerConfig) { cfg.Shared = n.device.ServerConfig() }

func (n *sharedNetwork) start(server *pppoe.Server) {
	n.server = server
	if n.v6 == nil {
		return
	}
	var ctx context.Context
	ctx, n.stopIPv6 = context.WithCancel(context.Background())
	// Ends with close.
	n.running.Go(func() { n.v6.Run(ctx) })
}

func (n *sharedNetwork) startReading() { n.device.Start() }
func (n *sharedNetwork) stopReading()  { n.device.StopReading() }

func (n *sharedNetwork) descriptors() ([]*os.File, error) { return n.device.Descriptors() }

// suspend and resume do nothing: the device is passed on before, and IPv6 of sessions needs the server's loops.
func (n *sharedNetwork) suspend() ([]*os.File, error) { return nil, nil }
func (n *sharedNetwork) resume()                      {}

func (n *sharedNetwork) notify(l pppoe.SessionInfo, e pppoe.Event) {
	n.scripts.Notify(l, e)
	if n.v6 != nil {
		runner.HandleEvent(e, func(a pppoe.Addressing) { n.ipv6Up(l, a, e) }, func() { n.ipv6Down(l, e) })
	}
}

func (n *sharedNetwork) ipv6Up(l pppoe.SessionInfo, a pppoe.Addressing, e pppoe.Event) {
	fixed := fixedIPv6(e)
	if fixed == nil && !n.v6Pools { // there is nothing to announce
		n.v6.Down(l.Key())
		return
	}
	by, _ := ipv6Choice(l, e, &n.v6Config, n.log)
	err := n.v6.Up(l.Key(), shared.Link{Choice: by, Local: a.IPv6.Local, Remote: a.IPv6.Remote, MTU: a.MTU, Subscriber: subscriber(l), Fixed: fixed, Restored: n.state.part(l.Generation, state.IPv6)})
	if err != nil {
		n.log.Warn(fmt.Sprintf("session %d of %v: no IPv6 addresses: %v", l.SessionID, l.Peer, err))
	}
}

// ipv6Down ends IPv6 of a session. The peer is told at once, while packets to it are still sent.
func (n *sharedNetwork) ipv6Down(l pppoe.SessionInfo, e pppoe.Event) {
	if lost, ok := e.(pppoe.NetworkLost); ok {
		n.server.Send(l.Key(), n.v6.Final(lost.Previous.IPv6.Local))
	}
	n.server.SetSourcePrefixes(l.Key(), nil)
	n.v6.Down(l.Key())
}

func (n *sharedNetwork) ipv6Pools() map[string]assign.Set { return n.v6Config.Named }

// hurry does nothing: close limits the time for scripts.
func (n *sharedNetwork) hurry() {}

func (n *sharedNetwork) sweep() { n.device.Sweep() }

func (n *sharedNetwork) leave() { n.closeBy(n.device.Leave) }

func (n *sharedNetwork) close() { n.closeBy(n.device.Close) }

// closeBy ends everything, and the device by one of its methods.
func (n *sharedNetwork) closeBy(closeDevice func() error) {
	if n.stopIPv6 != nil {
		n.stopIPv6()
	}
	n.running.Wait()
	n.scripts.Close()
	n.logCounters()
	if err := closeDevice(); err != nil {
		n.log.Warn(fmt.Sprintf("%s: %v", n.device.Name(), err))
	}
}

// logCounters logs what no session got, and what the service of IPv6 has dropped.
func (n *sharedNetwork) logCounters() {
	c := n.device.Counters()
	if c.Unreachable > 0 {
		n.log.Info(fmt.Sprintf("Dropped %d packets: to addresses that no session has", c.Unreachable))
	}
	if c.TooBig > 0 {
		n.log.Info(fmt.Sprintf("Dropped %d packets: longer than the MTU of their session", c.TooBig))
	}
	if n.v6 == nil {
		return
	}
	for reason, count := range n.v6.Stats().Drops {
		n.log.Info(fmt.Sprintf("Dropped %d packets: %v", count, reason))
	}
}
