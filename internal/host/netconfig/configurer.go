// Package netconfig is what the commands do to the network of their machine:
// devices, addresses, routes and name servers, through rtnetlink.
//
// Each change is a step that knows how to take itself back. When one fails, those
// before it are taken back, so that nothing is left half configured.
package netconfig

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// Configurer is a pppoe.HostNetwork on this machine. Its fields do not change while it is in
// use. Methods may be called concurrently for different lines. It must not be copied.
type Configurer struct {
	// Name is the device's name; empty: the first free one of ppp0, ppp1, ... One that is there
	// to be joined (tun.IsPersistent) is: where the program may not set its addresses and routes,
	// they are left to others.
	Name string
	// DataPath is how packets are moved, and so what kind of device is opened.
	DataPath datapath.Kind
	// Queues is how many a device has that moves GSO packets; 0 and 1: one.
	Queues int
	// MTU bounds the device's, in octets; 0: what PPP has agreed on.
	MTU int
	// Unnumbered has a line carried whose peer has no IPv4 address (0.0.0.0), or ours.
	Unnumbered bool
	// Namespace is the network namespace in which the device, its addresses and
	// routes are: a path, or a name that ip(8) knows (/run/netns/NAME). Empty: the
	// program's own, where the Ethernet interface stays in any case. Going there takes
	// CAP_SYS_ADMIN. Name servers are then not told to resolvconf or systemd-resolved,
	// which do not know the device.
	Namespace string
	// VRF is the name of the virtual routing domain that the device becomes part of;
	// empty: none. It must be there.
	VRF string
	// Table is the routing table for the line's IPv4 routes, to the peer and the
	// default one, and for IPv6's default route; 0: the main one, or the VRF's.
	Table int
	// PolicyRules has the machine look into Table for packets from the line's IPv4 address
	// and for those bound to its device. Without them, who sets Table has rules.
	PolicyRules bool

	// DefaultRoute has IPv4's default route go through the device, if there is
	// none yet.
	DefaultRoute bool
	// Metric is that of the IPv4 default route: then it is added if there is no
	// other with the same metric (pppd's defaultroute-metric). Nil: metric 0, and only
	// if there is none at all.
	Metric *int
	// ReplaceDefaultRoute has the line's IPv4 default route take the place of one
	// that is there: of those that the kernel would prefer to it, or else of the
	// best. They come back when the line has ended, unless somebody has set
	// another one by then.
	ReplaceDefaultRoute bool
	// RouteUndoFile is a file that remembers what was replaced, so that Open restores it
	// after a crash. No two lines may share it. Empty: none does.
	RouteUndoFile string
	// RuleUndoFile is one that remembers rules, likewise.
	RuleUndoFile string
	// DefaultRoute6 and Metric6 are the same for IPv6, where no metric stands for
	// the kernel's 1024. An IPv6 default route is never replaced.
	DefaultRoute6 bool
	Metric6       *int

	// RejectDuplicateAddress refuses a local IPv4 address that another interface has already.
	// A server, whose sessions share its address, leaves it unset.
	RejectDuplicateAddress bool

	// ProxyARP has the machine answer ARP for the peer's address, on the interface in
	// whose subnet that is (pppd's proxyarp). KernelTune has it forward packets then,
	// for good (ktune).
	ProxyARP   bool
	KernelTune bool

	// ResolvConf is the file that gets the peer's name servers, for scripts; empty:
	// none. KeepResolvConf leaves it there when the session ends, as pppd does.
	ResolvConf     string
	KeepResolvConf bool
	// Resolver is who else is told of the name servers.
	Resolver Resolver
	// SystemResolvConf is the file for ResolverFile, like /etc/resolv.conf; empty:
	// there is none. Its own name servers are comments in it meanwhile, and come back
	// when the session ends; after a crash, when the next one does.
	SystemResolvConf string
	// PreUp is called, and waited for, when the device has the IPv4 addresses that are
	// wanted, and before anything can go there: it is still down, unless IPv6 was sooner,
	// and there is no route. Nil: nothing is.
	PreUp func(l pppoe.SessionInfo, want pppoe.Addressing)
	// Log is told what is noteworthy. It must be set.
	Log *slog.Logger

	mu       sync.Mutex
	sessions map[sessionKey]*session
	rules    []policyRule // those that RuleUndoFile holds
	warnOnce sync.Once    // what is left to others has been told
	// resolvConfInfo is the file ResolvConf as this session's line has left it; nil: it has not.
	resolvConfInfo os.FileInfo
	// beforeStep is asked before each step; its error is the step's. For tests.
	beforeStep func(what string) error
	// programTimeout is how long a program may take; 0: the default. For tests.
	programTimeout time.Duration
}

var _ pppoe.HostNetwork = (*Configurer)(nil)

// Check says what no line can be without and is not there: the namespace, or the VRF.
func (h *Configurer) Check() error {
	return InNamespace(h.Namespace, func() error {
		if h.VRF == "" {
			return nil
		}
		_, err := h.vrf()
		return err
	})
}

// Open makes the device, where nothing is left of an earlier program that was killed.
func (h *Configurer) Open(l pppoe.SessionInfo) (tun.Device, error) {
	p, err := h.newSession()
	if err != nil {
		return nil, err
	}
	var dev tun.Device
	err = p.inNamespace(func() (err error) {
		if h.RouteUndoFile != "" {
			if err := h.restoreRoutesAfterCrash(); err != nil {
				h.Log.Warn(fmt.Sprintf("restore the default route: %v", err))
			}
		}
		if h.RuleUndoFile != "" {
			if err := h.removeRulesAfterCrash(); err != nil {
				h.Log.Warn(fmt.Sprintf("remove the rules of an earlier program: %v", err))
			}
		}
		p.preexisting = tun.IsPersistent(h.Name)
		if dev, err = h.openDevice(); err == nil {
			h.disableAcceptRA(dev.Name(), p.preexisting)
		}
		return err
	})
	if err != nil {
		p.namespace.Close()
		return nil, err
	}
	h.addSession(l, p)
	return dev, nil
}

// openDevice makes one that moves GSO packets, if the kernel has such and a plain one is not
// asked for.
func (h *Configurer) openDevice() (tun.Device, error) {
	cfg := tun.Config{Name: h.Name, Queues: h.Queues}
	if h.DataPath != datapath.KindPlain {
		d, err := tun.OpenGSO(cfg)
		if err == nil {
			return d, nil
		}
		if h.DataPath == datapath.KindOffload || !errors.Is(err, tun.ErrNoOffload) {
			return nil, err
		}
		h.Log.Info(fmt.Sprintf("packets go one by one (datapath plain): %v", err))
	}
	d, err := tun.Open(cfg)
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Configure makes addresses, routes and name servers those of want. An error means
// that the line is of no use, and that nothing is left of what was configured for it.
// What went wrong with IPv6 alone is logged.
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
	err = h.changeLink(p, func(link netlink.Link) error { return h.applyBeforeUp(p, link, have, want) })
	if err == nil {
		if h.PreUp != nil && want.HasIPv4() && have.IPv4 != want.IPv4 {
			h.PreUp(l, want)
		}
		err = h.changeLink(p, func(link netlink.Link) error { return h.applyAfterUp(p, link, have, want) })
	}
	if err != nil && !h.leaveUnmanaged(p, want, err) {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	return nil
}

// changeLink changes a line's device. When that fails, all that was changed is taken back.
func (h *Configurer) changeLink(p *session, do func(netlink.Link) error) error {
	return p.inNamespace(func() error {
		link, err := netlink.LinkByName(p.deviceName)
		if err == nil {
			err = do(link)
		}
		if err != nil {
			p.undoAll(h.Log)
		}
		return err
	})
}

// applyBeforeUp gives the device its length of packets and its IPv4 addresses. It takes back
// what IPv4 had before.
func (h *Configurer) applyBeforeUp(p *session, link netlink.Link, have, want pppoe.Addressing) error {
	if have.IPv4 != want.IPv4 && want.HasIPv4() {
		if err := h.checkAgreement(want.IPv4); err != nil {
			return err
		}
	}
	if have.MTU != want.MTU {
		made, err := h.apply(h.linkSteps(link, want.MTU))
		if err != nil {
			return err
		}
		if p.linkChanges == nil { // else an earlier call has noted how it was
			p.linkChanges = made
		}
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
	made, err := h.apply([]step{h.ipv4AddressStep(link, want.IPv4)})
	p.ipv4Changes = made
	return err
}

// applyAfterUp brings the device up, and does what can be done only then.
func (h *Configurer) applyAfterUp(p *session, link netlink.Link, have, want pppoe.Addressing) error {
	if have.MTU == 0 {
		up, err := h.apply([]step{upStep(link)})
		if err != nil {
			return err
		}
		p.linkChanges = append(p.linkChanges, up...)
	}
	if have.IPv4 != want.IPv4 && want.HasIPv4() {
		made, err := h.apply(h.ipv4Steps(link, want.IPv4))
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
	if p.ipv6Changes, err = h.applyIPv6(link, want.IPv6); err != nil {
		// As on a host that has IPv6 disabled, where IPv4 is fine without.
		h.Log.Warn(fmt.Sprintf("%s: no IPv6: %v", p.deviceName, err))
	}
	return nil
}

func (p *session) undoAll(log *slog.Logger) {
	p.dnsMu.Lock()
	p.dnsChanges.undo(log)
	p.servers4, p.servers6 = nil, nil
	p.dnsMu.Unlock()
	p.ipv6Changes.undo(log)
	p.ipv4Changes.undo(log)
	p.linkChanges.undo(log)
}

// Close takes back what is left: addresses and routes have gone with the device, but
// not what was replaced, or told to others.
func (h *Configurer) Close(l pppoe.SessionInfo, _ pppoe.Addressing) {
	p := h.removeSession(l)
	if p == nil {
		return
	}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.resolvConfInfo = nil
	}()
	err := p.inNamespace(func() error { p.undoAll(h.Log); return nil })
	if err != nil {
		h.Log.Warn(fmt.Sprintf("%s: %v", l.Device, err))
	}
	if p.namespace.IsOpen() {
		p.namespace.Close()
	}
}
