package serverconfig

import "strings"

// uselessRule says when keys have no effect because of others.
type uselessRule struct {
	keys    string // separated by spaces; SECTION.* for all others of a section
	useless func(*Config) bool
	why     string
}

var uselessRules = []uselessRule{
	{"ipv4.*", func(c *Config) bool { return c.Options.NoIP }, "IPv4 is disabled by ipv4.enabled"},
	{"ipv6.*", func(c *Config) bool { return c.Options.NoIPv6 }, "IPv6 is disabled by ipv6.enabled"},
	{"ipv6.delegated-length", func(c *Config) bool { return !c.IPv6.Delegated.IsValid() }, "it needs delegated-prefixes"},
	{"ipv6.dns", func(c *Config) bool { _, pools := c.v6Pools(); return len(pools) == 0 }, "it needs networks, addresses or delegated-prefixes"},
	{"ipv4.enabled", func(c *Config) bool { return c.Options.NoIP && c.Options.NoIPv6 }, "with ipv4 and ipv6 disabled, sessions carry no packets"},
	{"ppp.echo-failures ppp.echo-adaptive", func(c *Config) bool { return c.Options.EchoInterval == 0 }, "without echo-interval no Echo-Request is sent"},
	{"sessions.count-octets", func(c *Config) bool { return c.Options.MaxBytes == 0 }, "it needs max-octets"},
	{"ipv4.enable-forwarding", func(c *Config) bool { return c.Options.KernelTune && !c.Options.ProxyARP }, "it needs proxy-arp"},
	{"ipv4.proxy-arp", func(c *Config) bool { return c.Options.ProxyARP && c.Device.Shared },
		"with a shared device, sysctl net.ipv4.conf.INTERFACE.proxy_arp=1 answers ARP requests for the pool on an INTERFACE"},
	{"scripts.ip-pre-up scripts.net-init scripts.net-pre-up scripts.net-down", func(c *Config) bool { return c.Device.Shared }, "it does not run with a shared device"},
	{"policy.source-allow", func(c *Config) bool { return !c.Options.Policy.CheckSource && !c.Device.Shared }, "it needs source-check"},
	{"policy.rate-burst", func(c *Config) bool {
		return c.Options.Policy.Up.Bits == 0 && c.Options.Policy.Down.Bits == 0 && len(c.Options.Services) == 0
	}, "it needs rate-up or rate-down"},
	{"state.adopt state.conflicts", func(c *Config) bool { return c.State.File == NoState }, `state.file is "none"`},
	{"state.conflicts", func(c *Config) bool { return !c.State.Adopt }, "sessions are not adopted"},
	{"web.*", func(c *Config) bool { return c.Web.Listen == "" }, "it needs web.listen"},
	{"authentication.own-methods authentication.challenge-interval", func(c *Config) bool { return len(requiredMethods(c)) == 0 }, "clients need not authenticate themselves"},
}

// checkUseless warns of keys of the file that have no effect.
func (c *Config) checkUseless(r *report) {
	for _, rule := range uselessRules {
		if !rule.useless(c) {
			continue
		}
		for name := range strings.FieldsSeq(rule.keys) {
			for _, key := range r.changed {
				section, all := strings.CutSuffix(name, "*")
				if key == name || all && strings.HasPrefix(key, section) && key != section+"enabled" {
					r.warn(key, "has no effect: "+rule.why)
				}
			}
		}
	}
}
