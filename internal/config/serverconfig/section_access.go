package serverconfig

import (
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
)

var accessSection = single[Config]{
	name: "access", help: "Which clients are answered, when, and how many sessions they may have. Limits are those of one client (an Ethernet address in a VLAN), one VLAN, one interface, or the whole server (total).",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"mac-allow", "mac-allow --mac-allow", "Answer only clients with these Ethernet addresses. Not set: all.",
			through(macList, func(c *Config) macs { return macs{c.Options.MACAllow, c.Options.MACAllowGiven} },
				func(c *Config, m macs) { c.Options.MACAllow, c.Options.MACAllowGiven = m.list, m.given })},
		{"mac-deny", "mac-deny --mac-deny", "Do not answer clients with these Ethernet addresses, even if mac-allow has them.",
			through(macList, func(c *Config) macs { return macs{c.Options.MACDeny, true} }, func(c *Config, m macs) { c.Options.MACDeny = m.list })},
		{"session-limit", "session-limit --session-limit", "Maximum number of sessions of an interface and of a VLAN. Those of the server and of a client are in [sessions].",
			at(limitsKind("interface", "vlan"), func(c *Config) *limit.Limits { return &c.Options.Access.Sessions })},
		{"half-open-limit", "half-open-limit --half-open-limit", "Maximum number of sessions that are not yet authenticated and in their network phase.",
			at(allLimits, func(c *Config) *limit.Limits { return &c.Options.Access.HalfOpen })},
		{"padi-limit", "padi-limit --padi-limit", "Maximum number of PADIs that are answered in a second; a quarter is for clients that repeat one.",
			atDefault(allLimits, func(c *Config) *limit.Limits { return &c.Options.Access.PADIs }, limit.DefaultPADIs)},
		{"padr-limit", "padr-limit --padr-limit", "Maximum number of PADRs that are handled in a second.",
			atDefault(allLimits, func(c *Config) *limit.Limits { return &c.Options.Access.PADRs }, limit.DefaultPADRs)},
		{"pado-delay", "pado-delay --pado-delay", "Time to wait before answering a PADI, in milliseconds, so that another concentrator is chosen first; then, as DELAY:SESSIONS, by the number of sessions; -1: no answer.",
			at(asText("DELAYS", `delays like "200" or "0,100:100,200:500,-1:1000"`, discovery.ParsePADODelay, discovery.PADODelay.String),
				func(c *Config) *discovery.PADODelay { return &c.Options.Access.PADODelay })},
	},
}

// allLimits are limits for all scopes.
var allLimits = limitsKind("total", "interface", "vlan", "client")
