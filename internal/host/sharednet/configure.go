package sharednet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/vrf"
)

// linkLocal is the device's link-local address (RFC 4291 section 2.1). Sessions have others, from
// IPv6CP, which the server answers for itself.
var linkLocal = netip.MustParseAddr("fe80::1")

// minMTU6 is the minimum MTU of IPv6 (RFC 8200 section 5). Linux disables IPv6 on a device with
// less.
const minMTU6 = 1280

// configure sets up the device, its addresses and the routes of the pools.
func (n *Network) configure() (err error) {
	if n.link, err = n.handle.LinkByName(n.device.Name()); err != nil {
		return err
	}
	for _, step := range []func() error{n.joinVRF, n.setMTU, n.adoptRoutes, n.addIPv4, n.setUp, n.addIPv6, n.routePools, n.removeOtherAddresses} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// did records how to undo a change to a device that remains.
func (n *Network) did(undo func() error) { n.undo = append(n.undo, undo) }

func (n *Network) joinVRF() error {
	n.table = n.cfg.Table
	if n.cfg.VRF == "" {
		return n.leaveVRF()
	}
	vrf, err := vrf.Find(n.handle, n.cfg.VRF)
	if err != nil {
		return err
	}
	n.table = int(vrf.Table)
	if n.link.Attrs().MasterIndex == vrf.Index {
		return nil
	}
	if err := n.handle.LinkSetMaster(n.link, vrf); err != nil {
		return fmt.Errorf("join VRF %s: %w", n.cfg.VRF, err)
	}
	n.did(func() error { return n.handle.LinkSetNoMaster(n.link) })
	return nil
}

func (n *Network) setMTU() error {
	was := n.link.Attrs().MTU
	if was == n.cfg.MTU {
		return nil
	}
	if err := n.handle.LinkSetMTU(n.link, n.cfg.MTU); err != nil {
		return fmt.Errorf("set MTU %d: %w", n.cfg.MTU, err)
	}
	n.did(func() error { return n.handle.LinkSetMTU(n.link, was) })
	return nil
}

func (n *Network) setUp() error {
	if n.link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	if err := n.handle.LinkSetUp(n.link); err != nil {
		return fmt.Errorf("bring up: %w", err)
	}
	n.did(func() error { return n.handle.LinkSetDown(n.link) })
	return nil
}

func (n *Network) addIPv4() error {
	return n.addAddress(&netlink.Addr{IPNet: hostPrefix(n.cfg.IPv4), Scope: unix.RT_SCOPE_UNIVERSE})
}

// addIPv6 adds the IPv6 addresses, without duplicate address detection, as nothing else is on the
// link. Where the machine has no IPv6, it is an error only if there is a pool for it.
func (n *Network) addIPv6() error {
	if n.cfg.NoIPv6 {
		return nil
	}
	err := n.addIPv6Addresses()
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOPNOTSUPP) {
		err = fmt.Errorf("IPv6 is disabled (sysctl net.ipv6.conf.default.disable_ipv6=0 enables it): %w", err)
	}
	if err == nil || errors.Is(err, unix.EPERM) || n.hasPool6() {
		return err
	}
	n.cfg.Log.Warn(fmt.Sprintf("%s: no IPv6: %v", n.cfg.Name, err))
	n.ipv6 = netip.Addr{}
	return nil
}

func (n *Network) addIPv6Addresses() error {
	if n.cfg.MTU < minMTU6 {
		return fmt.Errorf("an MTU of at least %d is required, and this is %d", minMTU6, n.cfg.MTU)
	}
	if err := n.addAddress(&netlink.Addr{IPNet: hostPrefix(linkLocal), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}); err != nil {
		return err
	}
	if n.ipv6 = n.cfg.IPv6; n.ipv6.IsValid() {
		return n.addAddress(&netlink.Addr{IPNet: hostPrefix(n.ipv6), Scope: unix.RT_SCOPE_UNIVERSE, Flags: unix.IFA_F_NODAD})
	}
	if n.ipv6 = n.globalAddress(); !n.ipv6.IsValid() {
		n.ipv6 = linkLocal
	}
	return nil
}

// globalAddress returns an IPv6 address of the machine that other networks can reach, preferably
// not a unique local one (RFC 4193); invalid: it has none.
func (n *Network) globalAddress() (best netip.Addr) {
	const unfit = unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
	all, err := n.handle.AddrList(nil, netlink.FAMILY_V6)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return best
	}
	for _, a := range all {
		ip, _ := netip.AddrFromSlice(a.IP)
		if a.Scope != unix.RT_SCOPE_UNIVERSE || a.Flags&unfit != 0 || !ip.IsGlobalUnicast() {
			continue
		}
		if !best.IsValid() || best.IsPrivate() && !ip.IsPrivate() {
			best = ip
		}
	}
	return best
}

func (n *Network) hasPool6() bool {
	for _, p := range n.cfg.Pools {
		if p.Addr().Is6() {
			return true
		}
	}
	return n.cfg.IPv6.IsValid()
}

// addAddress adds an address, which may be there.
func (n *Network) addAddress(a *netlink.Addr) error {
	err := n.handle.AddrAdd(n.link, a)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("add address %v: %w", a.IP, err)
	}
	n.did(func() error { return n.handle.AddrDel(n.link, a) })
	return nil
}

// hostPrefix returns the prefix of a single address.
func hostPrefix(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}

func (n *Network) routePools() error {
	for _, p := range n.cfg.Pools {
		if n.routes.has(p) {
			n.routes.keep(p)
			continue
		}
		if err := n.addRoute(p); err != nil {
			return fmt.Errorf("pool: %w", err)
		}
		n.did(func() error { return n.removeRoute(p) })
	}
	return nil
}

// leaveUnmanaged leaves a persistent device as it is, for lack of permission.
func (n *Network) leaveUnmanaged() {
	n.unmanaged, n.undo = true, nil
	n.cfg.Log.Warn(fmt.Sprintf("%s: no permission to set its MTU, addresses and routes (CAP_NET_ADMIN): they are left to the administrator: "+
		"`ip address add %[2]v dev %[1]s; ip link set %[1]s mtu %[3]d up`, and `ip route add PREFIX dev %[1]s` for all addresses of clients", n.cfg.Name, n.cfg.IPv4, n.cfg.MTU))
}
