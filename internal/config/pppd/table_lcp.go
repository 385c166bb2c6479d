package pppd

import (
	"slices"
	"time"

	"upppoe/ppp"
)

// lcpOptions are the options of LCP.
var lcpOptions = slices.Concat([]option{
	{name: "lcp-echo-interval", help: "time between LCP Echo-Requests to the peer (default 0: none)", server: "time between LCP Echo-Requests to the peer (default 20; 0: none)",
		kind: seconds(func(s *Settings) *time.Duration { return &s.EchoInterval })},
	{name: "lcp-echo-failure", help: "end the session after this many unanswered Echo-Requests (default 0: never)",
		server: "end the session after this many unanswered Echo-Requests (default 3; 0: never)",
		kind:   number("N", 0, 1<<16, func(s *Settings, n int) { s.EchoFailures = n })},
	{name: "lcp-echo-adaptive", help: "send an Echo-Request only if nothing was received from the peer since the last",
		kind: flag(func(s *Settings) { s.EchoAdaptive = true })},
}, limits("lcp", func(s *Settings) *ppp.NegotiationLimits { return &s.LCP }), []option{
	{name: "nomagic", also: "-mn", help: "no magic number and no loop detection",
		kind: flag(func(s *Settings) { s.NoMagic = true })},
	{name: "path-check", roles: Client, help: "check with a long Echo-Request, 3 seconds after LCP has opened, whether packets of the negotiated size get through; if not, the log says which do (default)",
		kind: flag(func(s *Settings) { s.NoPathCheck = false })},
	{name: "nopath-check", roles: Client, help: "do not check the path",
		kind: flag(func(s *Settings) { s.NoPathCheck = true })},
	{name: "silent", help: "wait for the peer to start negotiation",
		kind: flag(func(s *Settings) { s.Silent = true })},
	{name: "passive", also: "-p", status: warned, help: "the attempt ends if the peer does not answer"},
	{name: "lcp-rtt-file", status: warned, help: "round-trip times are not written to a file", kind: ignoredValue("FILE")},
	{name: "multilink", also: "mp", status: warned, help: "a session has one link"},
})
