// Package netconfig configures this machine's network for a session: devices, addresses, routes,
// policy rules and name servers, through rtnetlink.
//
// It does not negotiate anything. Each change is a step that can be undone: when one fails, those
// before it are undone, so that nothing is left half configured.
package netconfig

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// Configurer is a pppoe.HostNetwork on this machine. Its fields must not change while it is in
// use. Methods may be called concurrently for different sessions. It must not be copied.
type Configurer struct {
	// Name is the device's name; empty: the first free one of ppp0, ppp1, ... A persistent device
	// of this name that already exists (tun.IsPersistent) is opened; without permission to set its
	// addresses and routes, they are left to the administrator.
	Name string
	// Owner, if not empty, makes devices outlive the program, for a successor with the same Owner: see
	// tun.Config. It opens the device that a session's SessionInfo names, and finds its addresses and
	// routes. Close removes the device.
	Owner string
	// Inherited are devices that an earlier program of the Owner has passed on; nil: none.
	Inherited *Inherited
	// DataPath selects how packets are moved, and so which kind of device is opened.
	DataPath datapath.Kind
	// Queues is the number of queues of a GSO device; 0 and 1: one.
	Queues int
	// MTU limits the device's MTU, in octets; 0: the negotiated one is used.
	MTU int
	// Unnumbered accepts a peer without an IPv4 address (0.0.0.0), or with ours.
	Unnumbered bool
	// Namespace is the network namespace of the device, its addresses and routes: a path, or a
	// name known to ip(8) (/run/netns/NAME). Empty: the program's own, where the Ethernet
	// interface stays in any case. Entering another one requires CAP_SYS_ADMIN. resolvconf and
	// systemd-resolved then do not get the name servers, as they do not see the device.
	Namespace string
	// VRF is the name of an existing VRF device that the device is enslaved to, unless the session has
	// pppoe.Addressing.VRF; empty: none.
	VRF string
	// Table is the routing table of the session's IPv4 routes (to the peer, and the default route)
	// and of its IPv6 default route, unless the session has pppoe.Addressing.VRF; 0: the main table, or
	// the VRF's.
	Table int
	// PolicyRules adds rules that look up Table for packets from the session's IPv4 address and
	// for packets bound to its device. Without them, the administrator adds rules for Table.
	PolicyRules bool

	// DefaultRoute adds an IPv4 default route through the device, if there is none.
	DefaultRoute bool
	// Metric is the metric of the IPv4 default route, which is then added if there is no other
	// with the same metric (pppd's defaultroute-metric). Nil: metric 0, and only if there is no
	// default route at all.
	Metric *int
	// ReplaceDefaultRoute replaces existing IPv4 default routes: those that the kernel would
	// prefer to the session's, or else the best one. They are restored when the session ends,
	// unless another default route has been added meanwhile.
	ReplaceDefaultRoute bool
	// RouteUndoFile is the file that records replaced routes, so that Open restores them after a
	// crash. Sessions must not share it. Empty: they are not recorded.
	RouteUndoFile string
	// RuleUndoFile is the same for policy rules, which Open removes after a crash.
	RuleUndoFile string
	// DefaultRoute6 and Metric6 are the same for IPv6, where nil stands for the kernel's 1024. An
	// IPv6 default route is never replaced.
	DefaultRoute6 bool
	Metric6       *int

	// RejectDuplicateAddress rejects a local IPv4 address that another interface already has. A
	// server, whose sessions share its address, leaves it false.
	RejectDuplicateAddress bool

	// ProxyARP answers ARP for the peer's address, on the interface whose subnet contains it
	// (pppd's proxyarp). KernelTune then enables IPv4 forwarding permanently (ktune).
	ProxyARP   bool
	KernelTune bool

	// ResolvConf is the file that gets the peer's name servers, for scripts; empty: none.
	// KeepResolvConf leaves it there when the session ends, as pppd does.
	ResolvConf     string
	KeepResolvConf bool
	// Resolver selects what else gets the name servers.
	Resolver Resolver
	// SystemResolvConf is the file of ResolverFile, like /etc/resolv.conf; empty: none. Its own
	// name servers are commented out during the session, and restored when it ends; after a crash,
	// when the next session ends.
	SystemResolvConf string
	// PreUp is called when the device has the negotiated IPv4 addresses and before any route
	// exists; the device is still down, unless IPv6 came up first. Configure waits for it. Nil:
	// nothing is called.
	PreUp func(l pppoe.SessionInfo, want pppoe.Addressing)
	// MayPreUp reports whether PreUp may have something to do, so that the device must be down until
	// then. Nil: it may.
	MayPreUp func(l pppoe.SessionInfo) bool
	// Log gets what is noteworthy. It must be set.
	Log *slog.Logger

	names   deviceNames
	remover groupRemover
	sweeps  sync.WaitGroup // of StartSweep

	mu       sync.Mutex
	sessions map[pppoe.SessionKey]*session
	rules    []policyRule // those in RuleUndoFile
	warnOnce sync.Once    // for the warning of leaveUnmanaged
	// resolvConfInfo describes the file ResolvConf as this session wrote it; nil: it did not.
	resolvConfInfo os.FileInfo
	// beforeStep is called before each step, and its error is the step's. For tests.
	beforeStep func(what string) error
	// programTimeout is how long a program may take; 0: the default. For tests.
	programTimeout time.Duration
}

var (
	_ pppoe.HostNetwork = (*Configurer)(nil)
	_ pppoe.VRFNetwork  = (*Configurer)(nil)
)

// Check returns an error if the namespace or the VRF does not exist.
func (h *Configurer) Check() error {
	return InNamespace(h.Namespace, func() error {
		_, err := h.RoutingTable()
		return err
	})
}

// Open opens the session's device, after it has undone what a program that was killed has left.
func (h *Configurer) Open(l pppoe.SessionInfo) (tun.Device, error) {
	h.sweeps.Wait()
	p, err := h.newSession()
	if err != nil {
		return nil, err
	}
	var dev tun.Device
	err = p.inNamespace(func() (err error) {
		name := cmp.Or(h.Name, l.Device)
		dev = h.inherit(p, l.Device)
		p.adopted = dev != nil || name == l.Device && h.awaitOwned(name)
		if h.RouteUndoFile != "" && !p.adopted {
			if err := h.restoreRoutesAfterCrash(); err != nil {
				h.Log.Warn(fmt.Sprintf("restore the default route: %v", err))
			}
		}
		if h.RuleUndoFile != "" {
			if err := h.removeRulesAfterCrash(); err != nil {
				h.Log.Warn(fmt.Sprintf("remove the rules of an earlier program: %v", err))
			}
		}
		if dev == nil {
			if dev, err = h.openNamed(p, l, name); err != nil {
				return err
			}
		}
		h.disableAcceptRA(dev.Name(), p.preexisting)
		if link, err := netlink.LinkByName(dev.Name()); err == nil {
			p.index, p.in = link.Attrs().Index, currentNamespace()
		}
		return nil
	})
	if err != nil {
		p.namespace.Close()
		return nil, err
	}
	h.addSession(l, p)
	return dev, nil
}

// openNamed opens a device of a name, or else of the first free one.
func (h *Configurer) openNamed(p *session, l pppoe.SessionInfo, name string) (tun.Device, error) {
	if l.Device == "" {
		tun.RemoveOwned(name, h.Owner) // the session begins with a new one
	}
	p.preexisting = !p.adopted && tun.IsPersistent(h.Name)
	dev, err := h.openDevice(p, name)
	if errors.Is(err, tun.ErrNameTaken) && h.Name == "" && l.Device != "" { // that of an adopted session
		p.adopted = false
		dev, err = h.openDevice(p, "")
	}
	return dev, err
}

// openDevice opens a GSO device, if the kernel supports it and DataPath is not plain. Its name is the given
// one, or else the first free one.
func (h *Configurer) openDevice(p *session, name string) (tun.Device, error) {
	if h.DataPath != datapath.KindPlain {
		d, err := h.openGSO(p, name)
		if err == nil {
			return d, nil
		}
		if h.DataPath == datapath.KindGSO || !errors.Is(err, tun.ErrNoOffload) {
			return nil, err
		}
		h.Log.Info(fmt.Sprintf("the kernel cannot move GSO packets, using datapath plain: %v", err))
	}
	d, err := tun.Open(tun.Config{Name: name, Owner: h.Owner})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// openGSO opens a GSO device of a name, or else of the first free one.
func (h *Configurer) openGSO(p *session, name string) (d *tun.GSO, err error) {
	cfg := tun.Config{Name: name, Owner: h.Owner, Queues: h.Queues, Remove: func() { h.remover.removeDevice(p) }}
	if name != "" {
		if d, err = tun.OpenGSO(cfg); err == nil && h.Name == "" {
			p.number = h.names.claim(name)
		}
		return d, err
	}
	p.number, err = h.names.open(func(name string) (err error) {
		cfg.Name, cfg.New = name, name != ""
		d, err = tun.OpenGSO(cfg)
		return err
	})
	return d, err
}

// Configure changes addresses, routes and name servers from have to want. After an error the
// session cannot be used, and nothing that was configured for it remains. Errors of IPv6 alone are
// only logged.
func (h *Configurer) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	p, err := h.session(l)
	if err != nil {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	if h.Unmanaged(l) {
		return nil
	}
	h.mu.Lock()
	p.deviceName = l.Device
	h.mu.Unlock()
	before := func(link device) error { return h.applyBeforeUp(p, link, have, want) }
	after := func(link device) error { return h.applyAfterUp(p, link, have, want) }
	begins := !p.adopted || have != (pppoe.Addressing{}) // else it has begun before
	if want.HasIPv4() && have.IPv4 != want.IPv4 && begins && h.mayPreUp(l) {
		if err = h.changeLink(p, want, before); err == nil {
			h.PreUp(l, want)
			err = h.changeLink(p, want, after)
		}
	} else {
		err = h.changeLink(p, want, before, after)
	}
	if err != nil && !h.leaveUnmanaged(p, want, err) {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	return nil
}

// changeLink changes a session's device. When that fails, everything that was configured for the
// session is undone.
func (h *Configurer) changeLink(p *session, want pppoe.Addressing, changes ...func(device) error) error {
	return p.inNamespace(func() error {
		link, err := netlink.LinkByName(p.deviceName)
		for _, change := range changes {
			if err == nil {
				err = change(device{link, h.routingOf(want)})
			}
		}
		if err != nil {
			p.undoAll(h.Log)
		}
		return err
	})
}

// applyBeforeUp sets the device's MTU, VRF and IPv4 addresses, and undoes what IPv4 had before.
func (h *Configurer) applyBeforeUp(p *session, link device, have, want pppoe.Addressing) error {
	if have.IPv4 != want.IPv4 && want.HasIPv4() {
		if err := h.checkAgreement(link.routing, want.IPv4); err != nil {
			return err
		}
	}
	if err := h.applyLink(p, link, want.MTU); err != nil {
		return err
	}
	if have.IPv4 == want.IPv4 {
		return nil
	}
	if !want.HasIPv4() {
		h.updateNameServers(p, link, func() { p.servers4 = nil })
	}
	p.ipv4Changes.undo(h.Log)
	if !want.HasIPv4() {
		return nil
	}
	made, err := h.applyTo(p, []step{ipv4AddressStep(link, want.IPv4)})
	p.ipv4Changes = made
	return err
}

// applyAfterUp brings the device up, and applies what requires that.
func (h *Configurer) applyAfterUp(p *session, link device, have, want pppoe.Addressing) error {
	if err := h.bringUp(p, link); err != nil {
		return err
	}
	if have.IPv4 != want.IPv4 && want.HasIPv4() {
		made, err := h.applyTo(p, h.ipv4Steps(p, link, want.IPv4))
		if err != nil {
			return err
		}
		p.ipv4Changes = append(p.ipv4Changes, made...)
		h.updateNameServers(p, link, func() { p.servers4 = h.usableNameServers(want.IPv4) })
	}
	if have.IPv6 == want.IPv6 {
		return nil
	}
	p.ipv6Changes.undo(h.Log)
	if !want.HasIPv6() {
		return nil
	}
	var err error
	p.linkLocal = [2]netip.Addr{want.IPv6.Local.LinkLocal(), want.IPv6.Remote.LinkLocal()}
	if p.ipv6Changes, err = h.applyIPv6(p, link, want.IPv6); err != nil {
		// For example where IPv6 is disabled: the session goes on with IPv4.
		h.Log.Warn(fmt.Sprintf("%s: no IPv6: %v", p.deviceName, err))
	}
	return nil
}

func (p *session) undoAll(log *slog.Logger) {
	p.dnsMu.Lock()
	p.dnsChanges.undo(log)
	p.servers4, p.servers6 = nil, nil
	p.dnsMu.Unlock()
	p.framedChanges.undo(log)
	p.ipv6Changes.undo(log)
	p.ipv4Changes.undo(log)
	p.vrfChanges.undo(log)
	p.linkChanges.undo(log)
	p.mtu, p.vrf, p.isUp = 0, "", false
}

// dropDeviceChanges drops what was undone when the device was removed.
func (p *session) dropDeviceChanges() {
	for _, made := range []*appliedSteps{&p.linkChanges, &p.vrfChanges, &p.ipv4Changes, &p.ipv6Changes, &p.framedChanges} {
		made.withoutDevice()
	}
}

// Close undoes what is left: addresses and routes have gone with the device, but replaced routes
// and name servers have not.
func (h *Configurer) Close(l pppoe.SessionInfo, _ pppoe.Addressing) {
	p := h.removeSession(l)
	if p == nil {
		return
	}
	if p.number >= 0 {
		h.names.release(p.number)
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.resolvConfInfo = nil
	}()
	if !p.preexisting {
		// Each needless request would wait for the kernel's lock of network interfaces, which matters
		// when thousands of sessions end.
		p.dropDeviceChanges()
	}
	err := p.inNamespace(func() error { p.undoAll(h.Log); return nil })
	if err != nil {
		h.Log.Warn(fmt.Sprintf("%s: %v", l.Device, err))
	}
	if p.namespace.IsOpen() {
		p.namespace.Close()
	}
}
