package pppd

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// serverAndAccount are the roles of what a server may hold all sessions to, and an account's in its
// own way.
const serverAndAccount = Server | Account

// policyOptions are what a server holds sessions to.
var policyOptions = []option{
	{name: "source-check", roles: serverAndAccount, help: "drop packets from the peer that are not from the addresses it was given, nor from a source-allow (BCP 38); " +
		"who has networks behind that address needs NAT there, or source-allow",
		kind: flag(func(s *Settings) { s.Policy.CheckSource = true })},
	{name: "nosource-check", roles: serverAndAccount, help: "do not (default)",
		kind: flag(func(s *Settings) { s.Policy.CheckSource = false })},
	{name: "source-allow", roles: serverAndAccount, help: "with source-check, let packets from this prefix through too, which you route to the peer; as often as you like",
		kind: kind{"PREFIX", framedRoute}},
	{name: "rate-up", roles: serverAndAccount, help: "most that comes from the peer, in kbit/s of IP packets; the rest is dropped; 0: no limit (default)",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Up })},
	{name: "rate-down", roles: serverAndAccount, help: "most that goes to the peer, likewise",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Down })},
	{name: "rate-burst", roles: serverAndAccount, help: "milliseconds for which a session that was idle may exceed these rates (default 500: one TCP stream reaches 90 % of them, over round trips of up to 100 ms; with less than 250 it may reach half)",
		kind: number("MS", 1, 60_000, func(s *Settings, n int) {
			s.Policy.Up.Burst = time.Duration(n) * time.Millisecond
			s.Policy.Down.Burst = s.Policy.Up.Burst
		})},
}

// kilobit is the unit in which providers speak of rates, in bits.
const kilobit = 1000

func rate(field func(*pppoe.SessionPolicy) *datapath.Rate) kind {
	return number("KBIT", 0, datapath.MaxRate/kilobit, func(s *Settings, n int) { field(&s.Policy).Bits = uint64(n) * kilobit })
}

// maxFramedRoutes bounds the prefixes of a session: each packet is held against all.
const maxFramedRoutes = 64

// framedRoute adds a prefix. A single address is one, too.
func framedRoute(s *Settings, value string) error {
	p, err := netip.ParsePrefix(value)
	if a, bad := netip.ParseAddr(value); bad == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil || p.Addr().Is4In6():
		return errors.New("give a prefix like 198.51.100.0/29 or 2001:db8:1::/48, or an address")
	case len(s.Policy.FramedRoutes) >= maxFramedRoutes:
		return errors.New("there are 64 already: give shorter prefixes")
	}
	s.Policy.FramedRoutes = append(s.Policy.FramedRoutes, p.Masked())
	return nil
}

// AccountPolicy are the terms of one account, by its own options: s are those of all. The error
// is of type *Error; others says that there are options that an account cannot have.
func (s *Settings) AccountPolicy(words []Word) (terms pppoe.SessionPolicy, others bool, err error) {
	own := New()
	own.Policy = s.Policy
	own.Policy.FramedRoutes = slices.Clip(own.Policy.FramedRoutes) // which sessions share
	r := Reader{Role: Account, Settings: own}
	err = r.words(words)
	return own.Policy, len(own.Warnings) > 0, err
}
