package serverconfig

import (
	"net/netip"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/ppp"
)

var ipv6Section = single[Config]{
	name: "ipv6", help: "IPv6: prefixes and addresses for clients, by router advertisements and DHCPv6, and IPv6CP.",
	of: func(c *Config) *Config { return c },
	keys: append([]key[Config]{
		{"enabled", "noipv6 +ipv6", "Negotiate IPv6.",
			through(boolean, func(c *Config) bool { return !c.Options.NoIPv6 }, func(c *Config, b bool) { c.Options.NoIPv6 = !b })},
		{"networks", "--ipv6-networks", "Advertise a /64 of this prefix to each session.",
			fixed(at(ipv6Pool("2001:db8:1::/48"), func(c *Config) *netip.Prefix { return &c.IPv6.Networks }))},
		{"addresses", "--ipv6-addresses", "Lease an address of this prefix to each session by DHCPv6.",
			fixed(at(ipv6Pool("2001:db8:2::/64"), func(c *Config) *netip.Prefix { return &c.IPv6.Addresses }))},
		{"delegated-prefixes", "--ipv6-prefixes", "Delegate a prefix of this one to each session by DHCPv6.",
			fixed(at(ipv6Pool("2001:db8:100::/40"), func(c *Config) *netip.Prefix { return &c.IPv6.Delegated }))},
		{"delegated-length", "--ipv6-prefixes", "Length of the prefix that each session is delegated.",
			fixed(atDefault(number(1, 128, "56"), func(c *Config) *int { return &c.IPv6.DelegatedLength }, usualDelegatedLength))},
		{"exclude", "", "Prefixes that are not assigned from these pools, except to accounts that have them for their own.",
			fixed(at(list(policyPrefix, `a list like ["2001:db8:1::/56"]`), func(c *Config) *[]netip.Prefix { return &c.IPv6.Exclude }))},
		{"dns", "--ipv6-dns", "Name servers for clients.",
			fixed(at(list(dns6, `a list like ["2001:db8::53"]`), func(c *Config) *[]netip.Addr { return &c.IPv6.DNS }))},
		{"local-address", "--ipv6-local", "With a shared device, address of the server, which ICMPv6 errors come from. Default: one of another interface.",
			fixed(at(ipv6Address("2001:db8::1"), func(c *Config) *netip.Addr { return &c.IPv6.Local }))},
		{"duid-file", "--etc", "File of the DUID by which clients recognise this DHCPv6 server. It is created.",
			fixed(at(path("/var/lib/upppoe/duid"), func(c *Config) *string { return &c.IPv6.DUIDFile }))},
		{"interface-id", "ipv6", "Interface identifier of the server. Default: random.",
			through(interfaceID(false), func(c *Config) identifier { return identifier{ID: c.Options.LocalID} }, func(c *Config, id identifier) { c.Options.LocalID = id.ID })},
		{"client-interface-id", "ipv6 ipv6cp-use-remotenumber remotenumber", "Interface identifier of each client that requests none; \"ethernet-address\": the one that is derived from the client's. Default: random.",
			through(interfaceID(true), clientID, setClientID)},
		{"accept-interface-id", "ipv6cp-accept-local", "Accept another identifier of the server from a client.",
			at(boolean, func(c *Config) *bool { return &c.Options.AcceptLocalID })},
		{"accept-no-id", "ipv6cp-noremote", "Accept a client without an interface identifier.",
			at(boolean, func(c *Config) *bool { return &c.Options.NoRemoteID })},
		{"send-interface-id", "ipv6cp-nosend", "Send our interface identifier.",
			through(boolean, func(c *Config) bool { return !c.Options.NoSendID }, func(c *Config, b bool) { c.Options.NoSendID = !b })},
	}, negotiationKeys("ipv6cp", func(c *Config) *ppp.NegotiationLimits { return &c.Options.IPv6CP })...),
}

// dns6 is the address of an IPv6 name server.
var dns6 = asText("ADDRESS", `an IPv6 address like "2001:db8::53"`, func(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || !lifetime.IsServerAddress(a) || a.Zone() != "" {
		return a, errInvalid
	}
	return a, nil
}, addrText)

// clientID returns the identifier of clients.
func clientID(c *Config) identifier {
	s := *c.Options
	if s.RemoteIDByAddr() {
		return identifier{derived: true}
	}
	s.NoIPv6 = false
	return identifier{ID: s.Session().IPv6.Remote}
}

func setClientID(c *Config, id identifier) {
	c.Options.RemoteID, c.Options.UseRemoteNumber, c.Options.RemoteNumber = id.ID, id.derived, ""
}
