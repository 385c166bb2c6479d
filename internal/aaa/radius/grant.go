package radius

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"layeh.com/radius"

	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// Policies says how attributes of answers become policies. The zero value knows no names.
type Policies struct {
	// Named are rates by name: of Filter-Id, and of Cisco-AVPair's sub-qos-policy-in and -out.
	Named map[string]Rates
	// Mapped are further attributes, in place of their usual meaning.
	Mapped map[AttributeType]Mapping
}

// Rates are the rates of a named policy.
type Rates struct{ Up, Down datapath.Rate }

// Mapping is what an attribute means.
type Mapping struct {
	Meaning Meaning
	// Unit is how many bits per second a rate of 1 is; 0: 1. A rate is an integer of four octets, or
	// text, which may end with k, M or G.
	Unit uint64
}

// Meaning is what an attribute sets.
type Meaning uint8

// Meanings.
const (
	RateUp     Meaning = iota + 1 // the rate from the peer
	RateDown                      // the rate to the peer
	RateBoth                      // both rates
	RateDownUp                    // both rates: 50000/10000 to the peer and from it, or one for both (accel-ppp)
	PolicyName                    // a name of Policies.Named
	VRF                           // the name of a VRF device
)

// grant is what the attributes of a packet grant.
type grant struct {
	policies *Policies
	policy   pppoe.SessionPolicy
	limits   pppoe.SessionLimits
	address  netip.Addr // as ppp.AuthResult.Address

	message            string // Reply-Message
	msSuccess, msError string // of MS-CHAPv2
	eap, state         []byte

	replaced struct{ routes, classes, dns6 bool } // what the packet has in place of the earlier policy's
}

// maxMessage bounds what a peer is sent, in octets.
const maxMessage = 253

// maxList bounds the values of an attribute that a policy keeps.
const maxList = 64

// errTooMany reports that an attribute is repeated too often.
var errTooMany = errors.New("more than 64 values")

// newGrant returns a grant that changes a policy.
func newGrant(policies *Policies, base pppoe.SessionPolicy) *grant {
	g := &grant{policies: policies, policy: base}
	if base.Limits != nil {
		g.limits = *base.Limits
	}
	return g
}

// apply applies all attributes of a packet. The error is an *AttributeError.
func (g *grant) apply(p *radius.Packet) error {
	all, err := values(p)
	if err != nil {
		return err
	}
	return g.applyValues(all)
}

func (g *grant) applyValues(all []value) error {
	for _, v := range all {
		if err := g.applyOne(v); err != nil {
			return &AttributeError{v.AttributeType, err}
		}
	}
	g.message = g.message[:min(len(g.message), maxMessage)]
	if limits := g.limits; limits != (pppoe.SessionLimits{}) {
		g.policy.Limits = &limits
	}
	return nil
}

func (g *grant) applyOne(v value) error {
	if m, ok := g.policies.Mapped[v.AttributeType]; ok {
		return g.mapped(m, v.data)
	}
	if a, ok := known[v.AttributeType]; ok {
		return a.apply(g, v.data)
	}
	return nil
}

// mapped applies an attribute as Policies.Mapped says.
func (g *grant) mapped(m Mapping, b []byte) error {
	switch m.Meaning {
	case PolicyName:
		return text((*grant).namedPolicy)(g, b)
	case VRF:
		return text((*grant).vrf)(g, b)
	}
	unit := max(m.Unit, 1)
	set := func(g *grant, n uint64) error {
		g.rate(m.Meaning != RateDown, m.Meaning != RateUp, min(n, datapath.MaxRate/unit)*unit)
		return nil
	}
	if m.Meaning == RateDownUp {
		return text(func(g *grant, s string) error { return g.downUp(s, unit) })(g, b)
	}
	if len(b) == 4 && !isDigits(b) {
		return number(func(g *grant, n uint32) error { return set(g, uint64(n)) })(g, b)
	}
	return text(func(g *grant, s string) error {
		n, err := parseBits(strings.TrimSpace(s))
		if err != nil {
			return err
		}
		return set(g, n)
	})(g, b)
}

// downUp sets the rates to those of DOWN/UP, or to one value.
func (g *grant) downUp(s string, unit uint64) error {
	first, second, both := strings.Cut(strings.TrimSpace(s), "/")
	if !both {
		second = first
	}
	down, err := parseBits(first)
	up, bad := parseBits(second)
	if err != nil || bad != nil {
		return errDownUp
	}
	g.rate(false, true, min(down, datapath.MaxRate/unit)*unit)
	g.rate(true, false, min(up, datapath.MaxRate/unit)*unit)
	return nil
}

// isDigits reports whether a value of four octets is text.
func isDigits(b []byte) bool {
	return !slices.ContainsFunc(b[:3], func(c byte) bool { return c < '0' || c > '9' }) && strings.IndexByte("0123456789kKmMgG", b[3]) >= 0
}

// rate sets rates, in bits per second; 0: no limit.
func (g *grant) rate(up, down bool, bits uint64) {
	rate := datapath.Rate{Bits: min(bits, datapath.MaxRate)}
	if up {
		g.policy.Up = rate
	}
	if down {
		g.policy.Down = rate
	}
}

func (g *grant) mikrotik(text string) (err error) {
	g.policy.Up, g.policy.Down, err = parseMikrotik(text)
	return err
}

// filter stores Filter-Id, and sets the rates of a named policy of its name, if there is one.
func (g *grant) filter(name string) error {
	g.policy.FilterID = name
	if r, ok := g.policies.Named[name]; ok {
		g.policy.Up, g.policy.Down = r.Up, r.Down
	}
	return nil
}

// namedPolicy sets the rates of a named policy, which must exist.
func (g *grant) namedPolicy(name string) error {
	r, err := g.named(name)
	if err == nil {
		g.policy.Up, g.policy.Down = r.Up, r.Down
	}
	return err
}

func (g *grant) named(name string) (Rates, error) {
	r, ok := g.policies.Named[name]
	if !ok {
		return r, fmt.Errorf("no policy named %q is configured", name)
	}
	return r, nil
}

// vrf sets the VRF.
func (g *grant) vrf(name string) error {
	if !pppoe.IsVRFName(name) {
		return fmt.Errorf("%q is not a name of 1 to 15 characters that a VRF device can have", name)
	}
	g.policy.VRF = name
	return nil
}

// vrfOfPair returns the VRF that a Cisco-AVPair sets: ip:vrf-id=NAME, or lcp:interface-config=ip vrf
// forwarding NAME, which may lack ip.
func vrfOfPair(pair string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(strings.TrimPrefix(pair, "ip:"), "vrf-id="); ok {
		return name, true
	}
	command, ok := strings.CutPrefix(pair, "lcp:interface-config=")
	words := strings.Fields(strings.TrimPrefix(command, "ip "))
	if !ok || len(words) != 3 || words[0] != "vrf" || words[1] != "forwarding" {
		return "", false
	}
	return words[2], true
}

// ciscoPair handles what sets the VRF, sub-qos-policy-in=NAME (from the peer) and
// sub-qos-policy-out=NAME. Other pairs are ignored.
func (g *grant) ciscoPair(pair string) error {
	if vrf, ok := vrfOfPair(pair); ok {
		return g.vrf(vrf)
	}
	key, name, _ := strings.Cut(strings.TrimPrefix(pair, "ip:"), "=")
	if key != "sub-qos-policy-in" && key != "sub-qos-policy-out" {
		return nil
	}
	r, err := g.named(name)
	switch {
	case err != nil:
		return err
	case key == "sub-qos-policy-in":
		g.policy.Up = r.Up
	default:
		g.policy.Down = r.Down
	}
	return nil
}

// mtu: RFC 2865 section 5.12.
func (g *grant) mtu(n uint32) error {
	if n < 64 || n > 65535 {
		return fmt.Errorf("%d is not from 64 to 65535", n)
	}
	g.policy.MTU = int(n)
	return nil
}

// portLimit sets how many sessions the user may have. A server that sends 0 limits nothing.
func (g *grant) portLimit(n uint32) error {
	g.policy.MaxSessions = int(min(n, pppoe.MaxSlots))
	return nil
}

// minInterim is the least Acct-Interim-Interval (RFC 2869 section 5.16).
const minInterim = time.Minute

func (g *grant) interim(n uint32) error {
	g.policy.InterimInterval = max(seconds(n), minInterim)
	if n == 0 {
		g.policy.InterimInterval = -1
	}
	return nil
}

func (g *grant) route(text string) error {
	p, err := parseRoute(text)
	if err != nil {
		return err
	}
	return appendTo(&g.policy.FramedRoutes, &g.replaced.routes, p)
}

func (g *grant) class(b []byte) error {
	return appendTo(&g.policy.Class, &g.replaced.classes, slices.Clone(b))
}

func (g *grant) dns6(a netip.Addr) { appendTo(&g.policy.IPv6DNS, &g.replaced.dns6, a) }

// appendTo appends a value to a list of the policy. The first one of a packet replaces the earlier
// policy's, whose array is shared.
func appendTo[E any](list *[]E, replaced *bool, v E) error {
	if !*replaced {
		*list, *replaced = nil, true
	}
	if len(*list) >= maxList {
		return errTooMany
	}
	*list = append(*list, v)
	return nil
}
