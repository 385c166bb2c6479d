package pppd

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// serverAndAccount are the roles of the policy: a server's options apply to all sessions, an account's
// override them.
const serverAndAccount = Server | Account

// policyOptions are the options of the policy that a server applies to sessions.
var policyOptions = []option{
	{name: "source-check", roles: serverAndAccount, help: "drop packets from the peer whose source is neither an address that it was assigned nor in a framed-route or source-allow (BCP 38); " +
		"a peer with networks behind its address needs NAT, framed-route or source-allow",
		kind: flag(func(s *Settings) { s.Policy.CheckSource = true })},
	{name: "nosource-check", roles: serverAndAccount, help: "do not check sources (default)",
		kind: flag(func(s *Settings) { s.Policy.CheckSource = false })},
	{name: "source-allow", roles: serverAndAccount, help: "with source-check, also accept packets from this prefix, which you route to the peer; may be repeated",
		kind: kind{"PREFIX", allowSource}},
	{name: framedRouteName, roles: serverAndAccount, help: "route this prefix to the peer, and accept packets from it; may be repeated, for an account: only one session at a time can have a prefix",
		kind: kind{"PREFIX", framedRoute}},
	{name: "rate-up", roles: serverAndAccount, help: "maximum rate from the peer, in kbit/s of IP packets; the excess is dropped; 0: no limit (default)",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Up })},
	{name: "rate-down", roles: serverAndAccount, help: "maximum rate to the peer, in kbit/s of IP packets; the excess is dropped; 0: no limit (default)",
		kind: rate(func(t *pppoe.SessionPolicy) *datapath.Rate { return &t.Down })},
	{name: "rate-burst", roles: serverAndAccount, help: "burst of these rates, in milliseconds (default 500: one TCP stream reaches 90 % of the rate with round-trip times of up to 100 ms; with less than 250 it may reach half)",
		kind: number("MS", 1, 60_000, func(s *Settings, n int) {
			s.Policy.Up.Burst = time.Duration(n) * time.Millisecond
			s.Policy.Down.Burst = s.Policy.Up.Burst
		})},
	{name: "address-pool", roles: Account, help: "name of the pool of the peer's IPv4 address",
		kind: text("NAME", func(s *Settings, name string) { s.Policy.AddressPool = name })},
	{name: "ipv6-pool", roles: Account, help: "name of the pools of the peer's network and IPv6 address",
		kind: text("NAME", func(s *Settings, name string) { s.Policy.IPv6Pool = name })},
	{name: "delegated-pool", roles: Account, help: "name of the pool of the peer's delegated prefix",
		kind: text("NAME", func(s *Settings, name string) { s.Policy.DelegatedPool = name })},
	{name: "max-sessions", roles: Account, help: "number of sessions that the user may have at a time",
		kind: number("N", 1, pppoe.MaxSlots, func(s *Settings, n int) { s.Policy.MaxSessions = n })},
}

// kilobit is the unit of rates, in bits.
const kilobit = 1000

func rate(field func(*pppoe.SessionPolicy) *datapath.Rate) kind {
	return number("KBIT", 0, datapath.MaxRate/kilobit, func(s *Settings, n int) { field(&s.Policy).Bits = uint64(n) * kilobit })
}

// maxPrefixes limits the prefixes of each kind of a session, as each packet may be compared with all.
const maxPrefixes = 64

// allowSource adds a prefix or a single address.
func allowSource(s *Settings, value string) error { return AddPrefix(&s.Policy.AllowSources, value) }

// framedRoute adds a prefix or a single address.
func framedRoute(s *Settings, value string) error {
	err := AddPrefix(&s.Policy.FramedRoutes, value)
	if added := s.Policy.FramedRoutes; err == nil && !pppoe.IsRoutable(added[len(added)-1]) {
		err = errors.New("not addresses of hosts behind a peer: give a prefix like 198.51.100.0/29 or 2001:db8:1::/48")
	}
	return err
}

// vrf sets the VRF, of a client or of a policy.
func vrf(s *Settings, name string) error {
	if !pppoe.IsVRFName(name) {
		return errors.New("give the name of a VRF device, of 1 to 15 characters")
	}
	s.Policy.VRF = name
	return nil
}

// AddPrefix adds a prefix, or an address, of either family to a list of at most 64.
func AddPrefix(to *[]netip.Prefix, value string) error {
	p, err := netip.ParsePrefix(value)
	if a, bad := netip.ParseAddr(value); bad == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil || p.Addr().Is4In6():
		return errors.New("give a prefix like 198.51.100.0/29 or 2001:db8:1::/48, or an address")
	case len(*to) >= maxPrefixes:
		return errors.New("more than 64 prefixes: give shorter ones")
	}
	*to = append(*to, p.Masked())
	return nil
}

// AccountPolicy returns the policy of one account in a session of a service: that of the service,
// changed by the account's own options. others reports whether some of them do not apply to accounts.
// The error is of type *Error.
func (s *Settings) AccountPolicy(service string, words []Word) (terms pppoe.SessionPolicy, others bool, err error) {
	return changed(s.PolicyOf(service), words)
}

// changed returns a policy changed by options.
func changed(policy pppoe.SessionPolicy, words []Word) (_ pppoe.SessionPolicy, others bool, err error) {
	own := New()
	own.Policy = policy
	// Sessions share the arrays.
	own.Policy.AllowSources, own.Policy.FramedRoutes = slices.Clip(own.Policy.AllowSources), slices.Clip(own.Policy.FramedRoutes)
	r := Reader{Role: Account, Settings: own}
	err = r.words(words)
	return own.Policy, len(own.Warnings) > 0, err
}

// AccountOptions returns the names of the options that an account may have after --, in words.
func AccountOptions() string {
	var names []string
	for _, g := range Options(Account) {
		for _, o := range g.Options {
			names = append(names, o.Name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
