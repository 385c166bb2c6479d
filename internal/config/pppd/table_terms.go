package pppd

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// held are the roles of what a server may hold all sessions to, and an account's in its
// own way.
const held = Server | Account

// termOptions are what a server holds sessions to.
var termOptions = []option{
	{name: "source-check", roles: held, help: "drop packets from the peer that are not from the addresses it was given, nor from a source-allow (BCP 38); " +
		"who has networks behind that address needs NAT there, or source-allow",
		kind: flag(func(s *Settings) { s.Terms.CheckSource = true })},
	{name: "nosource-check", roles: held, help: "do not (default)",
		kind: flag(func(s *Settings) { s.Terms.CheckSource = false })},
	{name: "source-allow", roles: held, help: "with source-check, let packets from this prefix through too, which you route to the peer; as often as you like",
		kind: kind{"PREFIX", behind}},
	{name: "rate-up", roles: held, help: "most that comes from the peer, in kbit/s of IP packets; the rest is dropped; 0: no limit (default)",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Up })},
	{name: "rate-down", roles: held, help: "most that goes to the peer, likewise",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Down })},
	{name: "rate-burst", roles: held, help: "milliseconds for which a session that was idle may exceed these rates (default 500: one TCP stream reaches 90 % of them, over round trips of up to 100 ms; with less than 250 it may reach half)",
		kind: number("MS", 1, 60_000, func(s *Settings, n int) {
			s.Terms.Up.Burst = time.Duration(n) * time.Millisecond
			s.Terms.Down.Burst = s.Terms.Up.Burst
		})},
}

// kilobit is the unit in which providers speak of rates, in bits.
const kilobit = 1000

func rate(field func(*pppoe.SessionPolicy) *datapath.Rate) kind {
	return number("KBIT", 0, datapath.MaxRate/kilobit, func(s *Settings, n int) { field(&s.Terms).Bits = uint64(n) * kilobit })
}

// maxBehind bounds the prefixes of a session: each packet is held against all.
const maxBehind = 64

// behind adds a prefix. A single address is one, too.
func behind(s *Settings, value string) error {
	p, err := netip.ParsePrefix(value)
	if a, bad := netip.ParseAddr(value); bad == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil || p.Addr().Is4In6():
		return errors.New("give a prefix like 198.51.100.0/29 or 2001:db8:1::/48, or an address")
	case len(s.Terms.FramedRoutes) >= maxBehind:
		return errors.New("there are 64 already: give shorter prefixes")
	}
	s.Terms.FramedRoutes = append(s.Terms.FramedRoutes, p.Masked())
	return nil
}

// Account are the terms of one account, by its own options: s are those of all. The error
// is of type *Error; others says that there are options that an account cannot have.
func (s *Settings) Account(words []Word) (terms pppoe.SessionPolicy, others bool, err error) {
	own := New()
	own.Terms = s.Terms
	own.Terms.FramedRoutes = slices.Clip(own.Terms.FramedRoutes) // which sessions share
	r := Reader{Role: Account, Settings: own}
	err = r.words(words)
	return own.Terms, len(own.Notices) > 0, err
}
