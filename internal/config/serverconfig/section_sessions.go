package serverconfig

import (
	"errors"
	"time"

	"upppoe/pppoe"
)

var sessionsSection = single[Config]{
	name: "sessions", help: "How many sessions there may be, and when they end.",
	of: func(c *Config) *Config { return c },
	keys: []key[Config]{
		{"max", "-N --max-sessions", "Maximum number of sessions of the server. It is also the size of the pool of [ipv4] first-address.",
			fixed(at(number(1, pppoe.MaxSlots, "20000"), func(c *Config) *int { return &c.Sessions.Max }))},
		{"max-per-client", "-x --max-per-client", "Maximum number of sessions of one client, by its Ethernet address; 0: no limit.",
			fixed(at(number(0, pppoe.MaxSlots, "1"), func(c *Config) *int { return &c.Sessions.MaxPerClient }))},
		{"duplicate", "--duplicate-session", "What to do when a user who has a session logs in again, on any interface: allow another session, end the older one (replace), or refuse the login. An account (max-sessions) or RADIUS (Port-Limit) may allow several; with allow, a login beyond these is refused. Of two sessions with one IPv4 address the older ends, but with refuse the newer does.",
			at(oneOf("POLICY", []string{"allow", "replace", "refuse"}, pppoe.AllowDuplicates, pppoe.ReplaceDuplicate, pppoe.RefuseDuplicate), func(c *Config) *pppoe.Duplicates { return &c.Sessions.Duplicates })},
		{"id-offset", "-o --session-id-offset", "Session IDs begin after this number.",
			fixed(at(number(0, maxSessionID-1, "1000"), func(c *Config) *int { return &c.Sessions.IDs.Offset }))},
		{"random-ids", "-r --random-sessions", "Assign session IDs in random order.",
			fixed(at(boolean, func(c *Config) *bool { return &c.Sessions.IDs.Random }))},
		{"session-timeout", "maxconnect", "End a session after this time; 0: never.",
			at(duration(0, time.Second, "24h"), func(c *Config) *time.Duration { return &c.Options.MaxConnect })},
		{"idle-timeout", "idle", "End a session that carries no packets for this time; 0: never.",
			at(duration(0, time.Second, "30m"), func(c *Config) *time.Duration { return &c.Options.Idle })},
		{"max-octets", "maxoctets", "End a session after this many octets; 0: never.",
			at(octetCount, func(c *Config) *uint64 { return &c.Options.MaxBytes })},
		{"count-octets", "mo-direction", "Which octets count for max-octets: the sum of both directions, those from the client, those to it, or the larger of the two.",
			at(oneOf("DIRECTION", []string{"sum", "from-client", "to-client", "larger"}, pppoe.CountSum, pppoe.CountReceived, pppoe.CountSent, pppoe.CountLarger),
				func(c *Config) *pppoe.Counting { return &c.Options.Count })},
	},
}

// maxSessionID is the last one (RFC 2516 section 4).
const maxSessionID = 0xfffe

// octetCount is a number of octets.
var octetCount = kind[uint64]{"N", "a whole number of octets like 100000000000", func(v value) (uint64, error) {
	n, ok := v.data.(int64)
	switch {
	case !ok:
		return 0, errInvalid
	case n < 0 || n > 1<<62:
		return 0, errors.New("out of range")
	}
	return uint64(n), nil
}, func(n uint64) string { return number(0, 0, "").text(int(n)) }, false}
