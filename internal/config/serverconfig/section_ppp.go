package serverconfig

import (
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/discovery"
)

var pppSection = single[Config]{
	name: "ppp", help: "PPP: sizes of packets, and LCP.",
	of: func(c *Config) *Config { return c },
	keys: append([]key[Config]{
		{"mtu", "mtu", "The longest packet to send, in octets; a value above 1492 is negotiated by RFC 4638, and is then the MRU too. Default: as negotiated, 1492.",
			at(optional(number(128, 16384, "1500")), func(c *Config) *int { return &c.Options.MTU })},
		{"mru", "mru default-mru", "The longest packet to receive, in octets; a value above 1492 is negotiated by RFC 4638. Default: 1492, or a larger mtu.",
			through(optional(number(128, 16384, "1500")), wantedMRU, func(c *Config, n int) { c.Options.MRU, c.Options.DefaultMRU = n, false })},
		{"mss", "-m --mss mss", "Clamp TCP's MSS to this number of octets, if it is less than the MTU allows; \"auto\": to what the MTU allows; \"none\": no clamping.",
			at(mssKind, func(c *Config) *int { return &c.Options.MSS })},
		{"echo-interval", "lcp-echo-interval", "Time between LCP Echo-Requests to a client; 0: none.",
			at(duration(0, time.Second, "20s"), func(c *Config) *time.Duration { return &c.Options.EchoInterval })},
		{"echo-failures", "lcp-echo-failure", "End a session after this many unanswered Echo-Requests; 0: never.",
			at(number(0, 1<<16, "3"), func(c *Config) *int { return &c.Options.EchoFailures })},
		{"echo-adaptive", "lcp-echo-adaptive", "Send an Echo-Request only if nothing was received from the client since the last.",
			at(boolean, func(c *Config) *bool { return &c.Options.EchoAdaptive })},
		{"magic-number", "nomagic", "Negotiate a magic number, which detects loops.",
			through(boolean, func(c *Config) bool { return !c.Options.NoMagic }, func(c *Config, b bool) { c.Options.NoMagic = !b })},
	}, negotiationKeys("lcp", func(c *Config) *ppp.NegotiationLimits { return &c.Options.LCP })...),
}

// wantedMRU returns the requested MRU; 0: the default.
func wantedMRU(c *Config) int {
	if s := c.Options; s.DefaultMRU && s.MRU == 0 {
		return discovery.EthernetPayload
	}
	return c.Options.WantedMRU()
}

// mssKind is a limit of TCP's MSS: 0 is auto, and -1 none.
var mssKind = kind[int]{"N", `a whole number of octets from 1 to 65535, like 1412, or "auto" or "none"`, func(v value) (int, error) {
	switch n, ok := v.data.(int64); {
	case v.data == "auto":
		return 0, nil
	case v.data == "none":
		return -1, nil
	case ok && n >= 1 && n <= 65535:
		return int(n), nil
	}
	return 0, errInvalid
}, func(n int) string {
	switch {
	case n == 0:
		return `"auto"`
	case n < 0:
		return `"none"`
	}
	return number(0, 0, "").text(n)
}, false}

// negotiationKeys are the four keys of an automaton (RFC 1661 section 4.6).
func negotiationKeys(protocol string, of func(*Config) *ppp.NegotiationLimits) []key[Config] {
	usual := ppp.NegotiationLimits{}.WithDefaults()
	return []key[Config]{
		{protocol + "-restart", protocol + "-restart", "Time until a request is sent again.",
			atDefault(duration(time.Second, time.Second, "3s"), func(c *Config) *time.Duration { return &of(c).Restart }, usual.Restart)},
		{protocol + "-max-configure", protocol + "-max-configure", "Maximum number of Configure-Requests without an answer.",
			atDefault(number(1, 1<<16, "10"), func(c *Config) *int { return &of(c).MaxConfigure }, usual.MaxConfigure)},
		{protocol + "-max-terminate", protocol + "-max-terminate", "Maximum number of Terminate-Requests without an answer.",
			atDefault(number(1, 1<<16, "2"), func(c *Config) *int { return &of(c).MaxTerminate }, usual.MaxTerminate)},
		{protocol + "-max-failure", protocol + "-max-failure", "Maximum number of Configure-Naks before a Configure-Reject is sent instead.",
			atDefault(number(1, 1<<16, "5"), func(c *Config) *int { return &of(c).MaxFailure }, usual.MaxFailure)},
	}
}
