package serverconfig

import (
	"net/netip"

	"upppoe/ppp"
)

var ipv4Section = single[Config]{
	name: "ipv4", help: "IPv4: the server's address, the pool of clients' addresses, and IPCP.",
	of: func(c *Config) *Config { return c },
	keys: append([]key[Config]{
		{"enabled", "noip", "Negotiate IPv4.",
			through(boolean, func(c *Config) bool { return !c.Options.NoIP }, func(c *Config, b bool) { c.Options.NoIP = !b })},
		{"local-address", "-L --local", "Address of the server in all sessions.",
			fixed(at(ipv4Address("192.0.2.1"), func(c *Config) *netip.Addr { return &c.IPv4.Local }))},
		{"first-address", "-R --remote", "First address of the pool for clients, which has as many as [sessions] max, without gaps. Not set: a [[pool]], or accounts, have the addresses.",
			fixed(at(ipv4Address("192.0.2.10"), func(c *Config) *netip.Addr { return &c.IPv4.First }))},
		{"pool", "", "Name of the pool of sessions for which nothing else names one. Not set: that of first-address, if it is set.",
			at(str("NAME", "the name of a [[pool]] like \"gold\"", poolName), func(c *Config) *string { return &c.IPv4.Pool })},
		{"local-address-per-session", "-l --increment-local", "With a device for each session, give the first session local-address, the second the next address, and so on.",
			fixed(at(boolean, func(c *Config) *bool { return &c.IPv4.LocalPerSession }))},
		{"client-address", "LOCAL:REMOTE", "Address of each client that gets none from its account or a pool, for a server with one session at a time.",
			at(ipv4Address("192.0.2.10"), func(c *Config) *netip.Addr { return &c.Options.Remote })},
		{"dns", "ms-dns", "Name servers for clients, two at most.",
			at(pair(ipv4Address("192.0.2.53")), func(c *Config) *[]netip.Addr { return &c.Options.DNS })},
		{"wins", "ms-wins", "WINS servers for clients, two at most.",
			at(pair(ipv4Address("192.0.2.54")), func(c *Config) *[]netip.Addr { return &c.Options.WINS })},
		{"accept-local", "ipcp-accept-local", "Accept another local address from a client.",
			at(boolean, func(c *Config) *bool { return &c.Options.AcceptLocal })},
		{"accept-client-address", "ipcp-accept-remote", "Accept another address of a client than the one that it is assigned.",
			at(boolean, func(c *Config) *bool { return &c.Options.AcceptRemote })},
		{"proxy-arp", "proxyarp noproxyarp", "With a device for each session, answer ARP requests for a client's address on the network that contains it.",
			at(boolean, func(c *Config) *bool { return &c.Options.ProxyARP })},
		{"enable-forwarding", "ktune noktune", "With proxy-arp, enable IP forwarding in the kernel, permanently.",
			at(boolean, func(c *Config) *bool { return &c.Options.KernelTune })},
	}, negotiationKeys("ipcp", func(c *Config) *ppp.NegotiationLimits { return &c.Options.IPCP })...),
}

// pair is a list of at most two: RFC 1877 has a primary and a secondary server.
func pair(of kind[netip.Addr]) kind[[]netip.Addr] {
	k := list(of, "a list of at most two, like [\"192.0.2.53\", \"192.0.2.54\"]")
	parse := k.parse
	k.parse = func(v value) ([]netip.Addr, error) {
		all, err := parse(v)
		if err == nil && len(all) > 2 {
			err = errInvalid
		}
		return all, err
	}
	return k
}
