package sharednet

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/prefixroute"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// Network is a shared device as the machine sees it. Its methods may be called concurrently, except
// Close.
type Network struct {
	cfg         Config
	device      tun.Device
	handle      *netlink.Handle // its sockets stay in the device's network namespace
	link        netlink.Link
	table       int
	ipv6        netip.Addr
	preexisting bool // the device is the administrator's
	adopted     bool // a predecessor has left it
	unmanaged   bool // the administrator configures the device
	undo        []func() error
	routes      *router
}

// ErrOtherKind is wrapped by the error of Open if the Inherited descriptors are of a device that the
// configuration does not allow: one cannot become another while sessions use it.
var ErrOtherKind = errors.New("the device of the running server is of another kind: a change of its data path needs a restart")

// Open opens the device and configures it. It requires CAP_NET_ADMIN, and must be called in the
// network namespace of the device. The error wraps one of package tun, ErrOtherKind, or prefixroute.ErrTaken for
// a pool that has a route to another device; nothing is left behind then.
func Open(cfg Config) (*Network, error) {
	n := &Network{cfg: cfg.withDefaults()}
	var err error
	if n.handle, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("rtnetlink: %w", err)
	}
	if n.device = n.inherit(); n.device == nil && n.cfg.Clean {
		tun.RemoveOwned(n.cfg.Name, n.cfg.Owner) // if that fails, the device is adopted
	}
	n.adopted = n.device != nil || tun.IsOwned(n.cfg.Name, n.cfg.Owner)
	n.preexisting = !n.adopted && tun.IsPersistent(n.cfg.Name)
	if n.device == nil {
		if n.device, err = n.openDeviceOnceFree(); err != nil {
			n.handle.Close()
			if errors.Is(err, tun.ErrNameTaken) && n.cfg.Inherited != nil {
				return nil, fmt.Errorf("%s: %w", n.cfg.Name, ErrOtherKind)
			}
			return nil, withHolder(n.cfg.Name, err)
		}
	}
	n.routes = newRouter(n.addRoute, n.removeRoute, n.routeFailed)
	n.setSysctls()
	err = n.configure()
	if n.preexisting && errors.Is(err, unix.EPERM) {
		n.leaveUnmanaged()
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", n.cfg.Name, err)
		n.closeDevice()
		n.Close()
		return nil, err
	}
	n.warnForwarding()
	return n, nil
}

// closeDevice closes the device after an error. One of a predecessor stays, which may go on.
func (n *Network) closeDevice() {
	if l, ok := n.device.(tun.Leaver); ok && n.adopted {
		l.Leave()
		return
	}
	n.device.Close()
}

// A device without an owner is removed when the last process that has it open has ended: a moment after a
// program that was killed, if that was starting a script.
const (
	removalWait  = time.Second
	removalRetry = 5 * time.Millisecond
)

// openDeviceOnceFree opens the device, and waits for a short time if an earlier program's is being removed.
func (n *Network) openDeviceOnceFree() (tun.Device, error) {
	for end := time.Now().Add(removalWait); ; time.Sleep(removalRetry) {
		d, err := n.openDevice()
		if !errors.Is(err, tun.ErrNameTaken) || !isTUN(n.cfg.Name) || time.Now().After(end) {
			return d, err
		}
	}
}

// isTUN reports whether an interface is a TUN device, or is not there any more.
func isTUN(name string) bool {
	link, err := netlink.LinkByName(name)
	return err != nil || link.Type() == (&netlink.Tuntap{}).Type()
}

// openDevice opens a GSO device, if the kernel supports it and the data path is not plain.
func (n *Network) openDevice() (tun.Device, error) {
	cfg := tun.Config{Name: n.cfg.Name, Queues: n.cfg.Queues, Owner: n.cfg.Owner}
	if n.cfg.DataPath != datapath.KindPlain {
		d, err := tun.OpenGSO(cfg)
		if err == nil {
			return d, nil
		}
		if n.cfg.DataPath == datapath.KindGSO || !errors.Is(err, tun.ErrNoOffload) {
			return nil, err
		}
		n.cfg.Log.Info(fmt.Sprintf("the kernel cannot move GSO packets, using datapath plain: %v", err))
	}
	d, err := tun.Open(cfg)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Device returns the device, which the caller closes before Close.
func (n *Network) Device() tun.Device { return n.device }

// ICMPSources returns the addresses from which errors for packets to sessions come. The one of IPv6
// is the link-local address if the machine has no other; such errors reach its own programs only.
func (n *Network) ICMPSources() (ipv4, ipv6 netip.Addr) { return n.cfg.IPv4, n.ipv6 }

// NeedsRoute reports whether a prefix of a session needs a route of its own: it is in no pool.
func (n *Network) NeedsRoute(p netip.Prefix) bool {
	if n.unmanaged || !p.IsValid() || p.Addr().IsLinkLocalUnicast() {
		return false
	}
	for _, pool := range n.cfg.Pools {
		if pool.Bits() <= p.Bits() && pool.Contains(p.Addr()) {
			return false
		}
	}
	return true
}

// SetRoutes changes the prefixes for which a session needs a route from have, that of the session's
// last call, to want. It does not block: the kernel's routes follow. What is in a pool is ignored.
func (n *Network) SetRoutes(s pppoe.SessionInfo, have, want []netip.Prefix) {
	n.routes.set(s, n.needed(have), n.needed(want))
}

func (n *Network) needed(all []netip.Prefix) (some []netip.Prefix) {
	for _, p := range all {
		if n.NeedsRoute(p) {
			some = append(some, p.Masked())
		}
	}
	return some
}

// Stats returns the counters of SetRoutes.
func (n *Network) Stats() RouteStats { return n.routes.stats() }

// Sweep removes the routes that a predecessor's sessions needed and none has set since Open. It does not
// block.
func (n *Network) Sweep() { n.routes.sweep() }

// Leave leaves a device with an owner, which must be closed, to a successor, with its addresses and routes.
func (n *Network) Leave() {
	n.routes.close(false)
	n.handle.Close()
}

// Close removes what did not disappear with the device, which must be closed.
func (n *Network) Close() {
	if n.routes != nil {
		n.routes.close(n.preexisting)
	}
	if n.preexisting {
		for i := range n.undo {
			if err := n.undo[len(n.undo)-1-i](); err != nil {
				n.cfg.Log.Warn(fmt.Sprintf("%s: restore: %v", n.cfg.Name, err))
			}
		}
	}
	n.handle.Close()
}

func (n *Network) route(p netip.Prefix) prefixroute.Route {
	return prefixroute.Route{Prefix: p, Device: n.link.Attrs().Index, Source: n.cfg.IPv4, Table: n.table}
}

func (n *Network) addRoute(p netip.Prefix) error    { return prefixroute.Add(n.handle, n.route(p)) }
func (n *Network) removeRoute(p netip.Prefix) error { return prefixroute.Remove(n.handle, n.route(p)) }

func (n *Network) routeFailed(s pppoe.SessionInfo, err error) {
	if n.cfg.RouteFailed != nil {
		n.cfg.RouteFailed(s, err)
		return
	}
	n.cfg.Log.Warn(fmt.Sprintf("%s: %v", n.cfg.Name, err))
}
