package serverconfig

import (
	"net/netip"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
)

var policySection = single[pppoe.SessionPolicy]{
	name: "policy", help: "What all sessions are granted. A service, and then an account, may have something else.",
	of: func(c *Config) *pppoe.SessionPolicy { return &c.Options.Policy },
	keys: append(policyKeys(func(p *pppoe.SessionPolicy) *pppoe.SessionPolicy { return p }),
		key[pppoe.SessionPolicy]{"framed-routes", "framed-route", "Route these prefixes to the client, and accept packets from them; only one session at a time can have a prefix.",
			at(list(policyPrefix, prefixesWant), func(p *pppoe.SessionPolicy) *[]netip.Prefix { return &p.FramedRoutes })}),
}

var serviceSection = repeated[pppd.Service]{
	name: "service", help: "A service that is offered. There may be several; without one, clients may request any. Its keys replace those of [policy] for its sessions.",
	of: func(c *Config) *[]pppd.Service { return &c.Options.Services },
	fresh: func(c *Config) pppd.Service {
		policy := c.Options.Policy
		return pppd.Service{Policy: &policy}
	},
	keys: append([]key[pppd.Service]{
		{"name", "-S --service service", "The Service-Name.",
			at(str("NAME", "a Service-Name like \"gold\"", serviceName), func(s *pppd.Service) *string { return &s.Name })},
	}, policyKeys(func(s *pppd.Service) *pppoe.SessionPolicy { return s.Policy })...),
	required: []string{"name"},
}

func serviceName(s string) error {
	if printable(s) != nil || len(s) > discovery.MaxService {
		return errInvalid
	}
	return nil
}

const prefixesWant = `a list of prefixes and addresses like ["198.51.100.0/29", "2001:db8:1::/48"]`

// policyKeys are the keys of a policy.
func policyKeys[E any](of func(*E) *pppoe.SessionPolicy) []key[E] {
	return []key[E]{
		{"rate-up", "rate-up", "Maximum rate from the client, in bits of IP packets a second; the excess is dropped.",
			at(rate, func(e *E) *uint64 { return &of(e).Up.Bits })},
		{"rate-down", "rate-down", "Maximum rate to the client.",
			at(rate, func(e *E) *uint64 { return &of(e).Down.Bits })},
		{"rate-burst", "rate-burst", "Burst of these rates, as the time that it takes at the rate.",
			through(duration(time.Millisecond, time.Millisecond, "500ms"), func(e *E) time.Duration { return burst(of(e)) }, func(e *E, d time.Duration) { setBurst(of(e), d) })},
		{"pool", "address-pool", "Name of the pool of the client's IPv4 address. Default: ipv4.pool.",
			at(str("NAME", "the name of a [[pool]] like \"gold\"", poolName), func(e *E) *string { return &of(e).AddressPool })},
		{"ipv6-pool", "ipv6-pool", "Name of the pools of the client's network and IPv6 address. Default: those of [ipv6].",
			at(str("NAME", "the name of an [[ipv6-pool]] like \"gold\"", poolName), func(e *E) *string { return &of(e).IPv6Pool })},
		{"delegated-pool", "delegated-pool", "Name of the pool of the client's delegated prefix. Default: that of [ipv6].",
			at(str("NAME", "the name of an [[ipv6-pool]] like \"gold\"", poolName), func(e *E) *string { return &of(e).DelegatedPool })},
		{"vrf", "vrf", "Name of an existing VRF device, which the client's device is enslaved to, with all its routes. Not with a shared device.",
			at(str("NAME", "the name of a VRF device like \"red\"", vrfName), func(e *E) *string { return &of(e).VRF })},
		{"source-check", "source-check nosource-check", "Drop packets from the client whose source is neither an address that it was assigned nor in framed-routes or source-allow (BCP 38). Sessions of a shared device are always checked.",
			at(boolean, func(e *E) *bool { return &of(e).CheckSource })},
		{"source-allow", "source-allow", "With source-check, also accept packets from these prefixes, which you route to the client.",
			at(list(policyPrefix, prefixesWant), func(e *E) *[]netip.Prefix { return &of(e).AllowSources })},
	}
}

func vrfName(s string) error {
	if !pppoe.IsVRFName(s) {
		return errInvalid
	}
	return nil
}

// burst returns the burst of a policy's rates.
func burst(p *pppoe.SessionPolicy) time.Duration {
	if p.Up.Burst == 0 {
		return datapath.DefaultBurst
	}
	return p.Up.Burst
}

func setBurst(p *pppoe.SessionPolicy, d time.Duration) {
	if d == datapath.DefaultBurst {
		d = 0
	}
	p.Up.Burst, p.Down.Burst = d, d
}
