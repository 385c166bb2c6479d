package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/ipv6/assign"
	"upppoe/pppoe"
)

// network is the host's network of the server's sessions: it sets up their devices and addresses, runs
// their scripts and serves IPv6 to them.
type network interface {
	// use sets the configuration of sessions that begin from now on.
	use(c *serverconfig.Config)
	// configure sets the network of the server to be made.
	configure(cfg *pppoe.ServerConfig)
	// start must be called before the server runs.
	start(server *pppoe.Server)
	// startReading must be called once when sessions have been adopted: packets from the host wait until
	// then.
	startReading()
	// stopReading leaves packets from the host to a successor.
	stopReading()
	// descriptors returns other descriptors of the device that all sessions share; nil: there is none.
	descriptors() ([]*os.File, error)
	// suspend ends what a successor does next, and returns other descriptors of the devices of sessions; nil:
	// they share one. The server is suspended. resume undoes it.
	suspend() ([]*os.File, error)
	resume()
	// notify handles events of sessions. It does not block.
	notify(l pppoe.SessionInfo, e pppoe.Event)
	// ipv6Pools returns the pools of IPv6 by name; empty: the default.
	ipv6Pools() map[string]assign.Set
	// hurry limits the time for scripts, as the server is terminating.
	hurry()
	// sweep removes what sessions of an earlier program have left that were not adopted.
	sweep()
	// leave is close of a program that has not served: it leaves what an earlier one has left.
	leave()
	// close waits until everything of the sessions has ended, and removes what is left. The server must
	// have ended.
	close()
}

// newNetwork opens what does not belong to a single session.
// device has the descriptors of the devices of an earlier program; nil: there are none. fail is called
// when the server cannot go on.
func newNetwork(c *serverconfig.Config, sessions *sessionState, device []*os.File, fail context.CancelCauseFunc, log *slog.Logger) (network, error) {
	if c.Device.Shared {
		return newSharedNetwork(c, sessions, device, fail, log)
	}
	n := &sessionDevices{log: log, scripts: newSessionScripts(), v6: newIPv6(c, sessions, log)}
	n.owner = sessions.owner()
	var err error
	if n.inherited, err = netconfig.NewInherited(device); err != nil {
		log.Warn(fmt.Sprintf("devices of the earlier program: %v", err))
	}
	n.use(c)
	return n, nil
}

// sessionDevices is a network with a device for each session.
type sessionDevices struct {
	log       *slog.Logger
	scripts   *sessionScripts
	v6        *ipv6Service
	owner     string                               // of devices
	inherited *netconfig.Inherited                 // of an earlier program
	host      atomic.Pointer[netconfig.Configurer] // of the latest configuration: a reload may come before sweep
}

func (n *sessionDevices) use(c *serverconfig.Config) {
	host := hostOf(c, n.scripts, n.log)
	host.Owner, host.Inherited = n.owner, n.inherited
	n.host.Store(host)
	n.scripts.use(host, scriptsOf(c, n.log))
}

func (n *sessionDevices) configure(cfg *pppoe.ServerConfig) { cfg.Network = n.scripts }

func (n *sessionDevices) start(server *pppoe.Server) {
	if n.v6 != nil {
		n.v6.setSourcePrefixes = server.SetSourcePrefixes
	}
}

func (n *sessionDevices) startReading()                    {}
func (n *sessionDevices) stopReading()                     {}
func (n *sessionDevices) descriptors() ([]*os.File, error) { return nil, nil }

func (n *sessionDevices) suspend() ([]*os.File, error) {
	n.v6.suspend()
	return n.scripts.descriptors(), nil
}

func (n *sessionDevices) resume() { n.v6.resume() }

func (n *sessionDevices) notify(l pppoe.SessionInfo, e pppoe.Event) {
	n.scripts.notify(l, e)
	n.v6.notify(l, e)
}

func (n *sessionDevices) ipv6Pools() map[string]assign.Set {
	if n.v6 == nil {
		return nil
	}
	return n.v6.pools.sets
}

func (n *sessionDevices) hurry() { n.scripts.hurry() }

func (n *sessionDevices) sweep() {
	n.inherited.Close()
	n.host.Load().Sweep()
}

func (n *sessionDevices) leave() { n.close() }

func (n *sessionDevices) close() {
	n.scripts.wait()
	n.v6.wait()
}
