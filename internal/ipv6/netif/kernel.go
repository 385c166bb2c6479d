package netif

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/sysctl"
	"upppoe/internal/ipv6/lifetime"
)

// Kernel sets the addresses, routes and rules of a session by rtnetlink. Its methods must not be
// called concurrently.
type Kernel struct {
	handle *netlink.Handle
	actual Config
	// indexes has the interfaces on which something is set: another interface may get the name of a
	// removed one.
	indexes map[string]int

	undoPath string // undo log of what is set outside the device; empty: none
	device   string
	recorded undoRecord // content of the undo log
}

// Open opens a netlink handle in the calling thread's network namespace.
func Open() (*Kernel, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open rtnetlink: %w", err)
	}
	return &Kernel{handle: h, actual: NewConfig(), indexes: map[string]int{}}, nil
}

// Close closes the handle, and leaves what is set.
func (k *Kernel) Close() { k.handle.Close() }

// Find returns an interface. The error names it.
func (k *Kernel) Find(name string) (Device, error) {
	link, err := k.handle.LinkByName(name)
	if err != nil {
		return Device{}, fmt.Errorf("%s: %w", name, err)
	}
	return Device{name, link.Attrs().Index}, nil
}

// WaitLocalRoute waits until the kernel delivers packets to an address, at most for limit, and
// reports whether it does. An address set without duplicate address detection can be sent from at
// once, but its local route is added a moment later by the kernel's work queue, and answers before
// that are dropped.
func (k *Kernel) WaitLocalRoute(d Device, a netip.Addr, limit time.Duration) bool {
	for end := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		routes, err := k.handle.RouteGetWithOptions(a.AsSlice(), &netlink.RouteGetOptions{OifIndex: d.Index})
		if err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL {
			return true
		}
		if !time.Now().Before(end) {
			return false
		}
	}
}

// DisableAutoconf makes the kernel ignore router advertisements, and removes what it has configured
// from earlier ones. It takes longer the more routes the machine has.
func (k *Kernel) DisableAutoconf(d Device) error {
	return errors.Join(sysctl.DisableAcceptRA(d.Name), k.purgeAddresses(d), k.purgeRoutes(d))
}

// purgeAddresses removes addresses that are not permanent.
func (k *Kernel) purgeAddresses(d Device) error {
	link, err := k.handle.LinkByIndex(d.Index)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	addresses, err := k.handle.AddrList(link, netlink.FAMILY_V6)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("%s: list addresses: %w", d.Name, err)
	}
	var errs []error
	for _, a := range addresses {
		if a.Flags&unix.IFA_F_PERMANENT != 0 {
			continue
		}
		if err := k.handle.AddrDel(link, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			errs = append(errs, fmt.Errorf("%s: remove address %v: %w", d.Name, a.IPNet, err))
		}
	}
	return errors.Join(errs...)
}

// Apply applies the desired configuration. What fails is tried again by the next call; the errors
// name the interface, address or route.
func (k *Kernel) Apply(now time.Time, want Config) error {
	k.record(want)
	defer func() { k.record(NewConfig()) }()
	var errs []error
	for key := range k.actual.Routes {
		if _, ok := want.Routes[key]; !ok {
			errs = append(errs, k.removeRoute(key))
		}
	}
	for rule := range k.actual.Rules {
		if _, ok := want.Rules[rule]; !ok {
			errs = append(errs, k.removeRule(rule))
		}
	}
	for key := range k.actual.Addresses {
		if _, ok := want.Addresses[key]; !ok {
			errs = append(errs, k.removeAddress(key))
		}
	}
	for key, a := range want.Addresses {
		if have, ok := k.actual.Addresses[key]; !ok || have != a {
			errs = append(errs, k.setAddress(now, key, a))
		}
	}
	for key, route := range want.Routes {
		if have, ok := k.actual.Routes[key]; !ok || have != route {
			errs = append(errs, k.setRoute(key, route))
		}
	}
	for rule := range want.Rules {
		if _, ok := k.actual.Rules[rule]; !ok {
			errs = append(errs, k.setRule(rule))
		}
	}
	return errors.Join(errs...)
}

// Verify drops addresses and routes from the actual configuration that no longer exist: an
// interface was down, or another program has removed them. Apply then sets them again.
func (k *Kernel) Verify() error {
	addresses, err := k.handle.AddrList(nil, netlink.FAMILY_V6)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // another change follows
		return fmt.Errorf("list addresses: %w", err)
	}
	type place struct {
		index  int
		prefix netip.Prefix
	}
	found := map[place]bool{}
	for _, a := range addresses {
		found[place{a.LinkIndex, prefixOf(a.IPNet)}] = true
	}
	for key := range k.actual.Addresses {
		if d, err := k.Find(key.Interface); err != nil || !found[place{d.Index, key.Prefix}] {
			delete(k.actual.Addresses, key)
		}
	}
	for key := range k.actual.Routes {
		if !k.hasRoute(key) {
			delete(k.actual.Routes, key)
		}
	}
	return nil
}

func prefixOf(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr, bits)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func (k *Kernel) setAddress(now time.Time, key AddressKey, a Address) error {
	link, err := k.handle.LinkByName(key.Interface)
	if err != nil {
		return fmt.Errorf("%s: %w", key.Interface, err)
	}
	addr := &netlink.Addr{IPNet: ipNet(key.Prefix), Flags: unix.IFA_F_NOPREFIXROUTE}
	addr.ValidLft, addr.PreferedLft = seconds(lifetime.Remaining(now, a.Valid), lifetime.Remaining(now, a.Preferred))
	if !a.Shared {
		addr.Flags |= unix.IFA_F_NODAD
	}
	if err := k.handle.AddrReplace(link, addr); err != nil {
		return fmt.Errorf("%s: set address %v: %w", key.Interface, key.Prefix, err)
	}
	k.actual.Addresses[key] = a
	k.indexes[key.Interface] = link.Attrs().Index
	return nil
}

// seconds converts lifetimes for the netlink library. It truncates both to 32 bits, where all ones
// are infinite, and omits both if neither is above 0, which is infinite as well. So an expired
// address gets a second, and where int has 32 bits and a long lifetime is negative, an expired or
// long preferred lifetime is slightly changed.
func seconds(valid, preferred time.Duration) (v, p int) {
	v, p = wholeSeconds(max(valid, time.Second)), wholeSeconds(preferred)
	switch {
	case v > 0 || p > 0 || v == -1 && p == -1:
	case p == 0:
		p = 1
	default:
		p = math.MaxInt32
	}
	return v, p
}

// wholeSeconds rounds a lifetime up to seconds, so that an address is not removed early.
func wholeSeconds(d time.Duration) int {
	return int(uint32(min((d+time.Second-1)/time.Second, math.MaxUint32)))
}

func (k *Kernel) removeAddress(key AddressKey) error {
	delete(k.actual.Addresses, key)
	link, err := k.handle.LinkByName(key.Interface)
	if err != nil || link.Attrs().Index != k.indexes[key.Interface] {
		return nil // removed with its addresses
	}
	err = k.handle.AddrDel(link, &netlink.Addr{IPNet: ipNet(key.Prefix)})
	if err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
		return fmt.Errorf("%s: remove address %v: %w", key.Interface, key.Prefix, err)
	}
	return nil
}
