package pppd

import (
	"slices"
	"time"

	"upppoe/ppp"
)

// lcpOptions are LCP's.
var lcpOptions = slices.Concat([]option{
	{name: "lcp-echo-interval", help: "ask the peer for a sign of life so often (default 0: never; of pppoe-server 20)",
		kind: seconds(func(s *Settings) *time.Duration { return &s.EchoInterval })},
	{name: "lcp-echo-failure", help: "so many unanswered end the session (default 0: any number; of pppoe-server 3)",
		kind: number("N", 0, 1<<16, func(s *Settings, n int) { s.EchoFailures = n })},
	{name: "lcp-echo-adaptive", help: "ask only if nothing has come from the peer in the meantime",
		kind: flag(func(s *Settings) { s.EchoAdaptive = true })},
}, limits("lcp", func(s *Settings) *ppp.Limits { return &s.LCP }), []option{
	{name: "nomagic", also: "-mn", help: "no magic number, and no detection of loops",
		kind: flag(func(s *Settings) { s.NoMagic = true })},
	{name: "path-check", roles: Client, help: "find out, 3 seconds after LCP has opened, whether packets of the size agreed on come through, by an Echo-Request as long as that; the log says which do, if they do not (default)",
		kind: flag(func(s *Settings) { s.NoPathCheck = false })},
	{name: "nopath-check", roles: Client, help: "do not",
		kind: flag(func(s *Settings) { s.NoPathCheck = true })},
	{name: "silent", help: "let the peer begin to negotiate",
		kind: flag(func(s *Settings) { s.Silent = true })},
	{name: "passive", also: "-p", status: warned, help: "a peer that does not answer ends the attempt"},
	{name: "lcp-rtt-file", status: warned, help: "round trips are not written to a file", kind: ignoredValue("FILE")},
	{name: "multilink", also: "mp", status: warned, help: "a session has one link"},
})
