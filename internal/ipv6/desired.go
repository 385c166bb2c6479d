package ipv6

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// networkBits is the prefix length of a subnet with SLAAC (RFC 4291 section 2.5.1).
const networkBits = 64

// connectedMetric is the metric that the kernel gives routes to on-link prefixes.
const connectedMetric = 256

// unreachableMetric loses against every other route to the same prefix.
const unreachableMetric = 0x7fffffff

var defaultDestination = netip.MustParsePrefix("::/0")

// desired returns the addresses, routes and rules that follow from router advertisements and
// DHCPv6, and the state to report.
func (c *Config) desired(view *radv.HostState, lease *dhcp6.Configuration) (netif.Config, State) {
	s := State{MTU: view.MTU, Services: lease.Services, Managed: view.Managed, Other: view.Other, DHCP: lease.State}
	set := netif.NewConfig()
	for _, r := range view.Routers {
		s.Routers = append(s.Routers, r.Addr)
	}
	s.NameServers = c.nameServers(lease.NameServers, view.NameServers)
	s.SearchDomains = union(lease.SearchDomains, view.SearchDomains)
	c.addAddresses(view, lease, &set, &s)
	c.addRoutes(view, &set, &s)
	for _, p := range lease.Prefixes {
		c.addDelegated(p, &set, &s)
	}
	if c.Rules {
		c.addRules(&set, &s)
	}
	return set, s
}

// addRules routes packets from each of our addresses by the session's table.
func (c *Config) addRules(set *netif.Config, s *State) {
	for _, a := range s.Addresses {
		set.Rules[netif.Rule{From: netip.PrefixFrom(a.Prefix.Addr(), a.Prefix.Addr().BitLen()), Table: c.Table}] = true
	}
	for _, p := range s.Delegated {
		set.Rules[netif.Rule{From: p.Prefix, Table: c.Table}] = true
	}
}

func (c *Config) addAddresses(view *radv.HostState, lease *dhcp6.Configuration, set *netif.Config, s *State) {
	if !c.NoAutoconf {
		for _, a := range view.Addresses {
			s.Addresses = append(s.Addresses, Address{a.Prefix, SLAAC, a.Lifetime})
		}
	}
	for _, a := range lease.Addresses {
		s.Addresses = append(s.Addresses, Address{a.Prefix, DHCPv6, a.Lifetime})
	}
	for _, a := range s.Addresses {
		set.Addresses[netif.AddressKey{Interface: c.Device, Prefix: a.Prefix}] = netif.Address{Lifetime: a.Lifetime}
	}
}

func (c *Config) addRoutes(view *radv.HostState, set *netif.Config, s *State) {
	for _, r := range view.OnLink {
		set.Routes[c.routeKey(r.Prefix, c.Device)] = netif.Route{MTU: view.MTU}
	}
	if !c.DeviceDefaultRoute && !(c.DefaultRoute && len(view.Routers) > 0) {
		return
	}
	s.DefaultRoute.Set = true
	if len(view.Routers) > 0 {
		s.DefaultRoute.Gateway = view.Routers[0].Addr
	}
	set.Routes[c.routeKey(defaultDestination, c.Device)] = netif.Route{Gateway: s.DefaultRoute.Gateway, MTU: view.MTU}
}

// addDelegated assigns each LAN its subnet. The rest of the prefix is unreachable: otherwise
// packets to it would loop between us and the peer (RFC 7084 WPD-5).
func (c *Config) addDelegated(p dhcp6.Lease, set *netif.Config, s *State) {
	s.Delegated = append(s.Delegated, Prefix{p.Prefix, p.Lifetime})
	unreachable := c.routeKey(p.Prefix, "")
	unreachable.Metric = unreachableMetric
	set.Routes[unreachable] = netif.Route{}
	for _, l := range c.LANs {
		own, ok := firstAddress(p.Prefix, l.Subnet)
		if !ok {
			continue
		}
		s.LANs = append(s.LANs, LANAddress{l.Interface, own, p.Lifetime})
		set.Addresses[netif.AddressKey{Interface: l.Interface, Prefix: own}] = netif.Address{Lifetime: p.Lifetime, Shared: true}
		set.Routes[netif.RouteKey{To: own.Masked(), Metric: connectedMetric, Device: l.Interface}] = netif.Route{}
	}
}

func (c *Config) routeKey(to netip.Prefix, device string) netif.RouteKey {
	return netif.RouteKey{To: to, Metric: c.Metric, Table: c.Table, Device: device}
}

// firstAddress returns the first address of a subnet of a delegated prefix; ok is false if the
// prefix has no such subnet.
func firstAddress(p netip.Prefix, subnet uint64) (netip.Prefix, bool) {
	spare := networkBits - p.Bits()
	if spare < 0 || spare < 64 && subnet>>spare != 0 {
		return netip.Prefix{}, false
	}
	a := p.Masked().Addr().As16()
	binary.BigEndian.PutUint64(a[:8], binary.BigEndian.Uint64(a[:8])|subnet)
	a[15] = 1
	return netip.PrefixFrom(netip.AddrFrom16(a), networkBits), true
}

// nameServers adds the zone to link-local addresses.
func (c *Config) nameServers(lists ...[]netip.Addr) []netip.Addr {
	all := union(lists...)
	for i, a := range all {
		if a.IsLinkLocalUnicast() {
			all[i] = a.WithZone(c.Device)
		}
	}
	return all
}

// union concatenates lists without duplicates.
func union[T comparable](lists ...[]T) (all []T) {
	for _, list := range lists {
		for _, x := range list {
			if !slices.Contains(all, x) {
				all = append(all, x)
			}
		}
	}
	return all
}
