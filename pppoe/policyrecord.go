package pppoe

import (
	"slices"

	"upppoe/internal/tlv"
	"upppoe/pppoe/datapath"
)

// Fields of a SessionPolicy in a record. The numbers do not change.
const (
	policyCheckSource byte = 1 + iota
	policyAllowSources
	policyFramedRoutes
	policyUpBits
	policyUpBurst
	policyDownBits
	policyDownBurst
	policyLimits
	policyMSS
	policyMTU
	policyDNS
	policySecondDNS
	policyIPv6DNS
	policyInterfaceID
	policyAddressPool
	policyIPv6Pool
	policyDelegatedPool
	policyIPv6Prefix
	policyDelegatedPrefix
	policyIPv6Address
	policyMaxSessions
	policyAccount
	policyInterimInterval
	policyClass
	policyFilterID
	policyVRF
)

// fields lists the fields of the policy in a record.
func (p *SessionPolicy) fields(c *tlv.Codec) {
	c.OmitZero()
	p.packetFields(c)
	p.addressFields(c)
	tlv.Int(c, policyMaxSessions, &p.MaxSessions)
	tlv.Bytes(c, policyAccount, &p.Account)
	tlv.Int(c, policyInterimInterval, &p.InterimInterval)
	tlv.List(c, policyClass, &p.Class, appendOctets, cloneOctets)
	tlv.Bytes(c, policyFilterID, &p.FilterID)
	tlv.Bytes(c, policyVRF, &p.VRF)
}

func appendOctets(b, octets []byte) []byte { return append(b, octets...) }

func cloneOctets(b []byte) ([]byte, error) { return slices.Clone(b), nil }

func (p *SessionPolicy) packetFields(c *tlv.Codec) {
	c.Bool(policyCheckSource, &p.CheckSource)
	c.Prefixes(policyAllowSources, &p.AllowSources)
	c.Prefixes(policyFramedRoutes, &p.FramedRoutes)
	rateFields(c, policyUpBits, policyUpBurst, &p.Up)
	rateFields(c, policyDownBits, policyDownBurst, &p.Down)
	if c.Optional(policyLimits, p.Limits != nil) {
		if c.Reading() {
			p.Limits = new(SessionLimits)
		}
		c.Part(policyLimits, "limits",
			func(b []byte) []byte { return tlv.Append(b, p.Limits.fields) },
			func(b []byte) error { return tlv.Parse(b, p.Limits.fields) })
	}
	tlv.Int(c, policyMSS, &p.MSS)
	tlv.Int(c, policyMTU, &p.MTU)
}

func rateFields(c *tlv.Codec, bits, burst byte, r *datapath.Rate) {
	tlv.Uint(c, bits, &r.Bits)
	tlv.Int(c, burst, &r.Burst)
}

func (p *SessionPolicy) addressFields(c *tlv.Codec) {
	c.Addr(policyDNS, &p.DNS[0])
	c.Addr(policySecondDNS, &p.DNS[1])
	c.Addrs(policyIPv6DNS, &p.IPv6DNS)
	c.Octets(policyInterfaceID, p.InterfaceID[:])
	tlv.Bytes(c, policyAddressPool, &p.AddressPool)
	tlv.Bytes(c, policyIPv6Pool, &p.IPv6Pool)
	tlv.Bytes(c, policyDelegatedPool, &p.DelegatedPool)
	c.Prefix(policyIPv6Prefix, &p.IPv6Prefix)
	c.Prefix(policyDelegatedPrefix, &p.DelegatedPrefix)
	c.Addr(policyIPv6Address, &p.IPv6Address)
}

// Fields of SessionLimits in a record. The numbers do not change.
const (
	limitIdleTimeout byte = 1 + iota
	limitSessionTimeout
	limitMaxBytes
	limitCount
)

func (l *SessionLimits) fields(c *tlv.Codec) {
	c.OmitZero()
	tlv.Int(c, limitIdleTimeout, &l.IdleTimeout)
	tlv.Int(c, limitSessionTimeout, &l.SessionTimeout)
	tlv.Uint(c, limitMaxBytes, &l.MaxBytes)
	tlv.Uint(c, limitCount, &l.Count)
}

// encodedPolicies keeps the fields of the policies that were encoded last: many sessions may share one.
type encodedPolicies struct {
	all  [8]encodedPolicy
	next int // the oldest
}

type encodedPolicy struct {
	policy *SessionPolicy
	fields []byte
}

// fields returns the fields of a policy.
func (e *encodedPolicies) fields(p *SessionPolicy) []byte {
	for i := range e.all {
		if e.all[i].policy == p {
			return e.all[i].fields
		}
	}
	at := &e.all[e.next]
	e.next = (e.next + 1) % len(e.all)
	at.policy, at.fields = p, tlv.Append(nil, p.fields)
	return at.fields
}

// parsedPolicies are policies by their fields: of equal ones one is kept. Nil: all are kept.
type parsedPolicies map[string]*SessionPolicy

// parse returns the policy with some fields.
func (p parsedPolicies) parse(fields []byte) (*SessionPolicy, error) {
	if known := p[string(fields)]; known != nil {
		return known, nil
	}
	policy := new(SessionPolicy)
	if err := tlv.Parse(fields, policy.fields); err != nil {
		return nil, err
	}
	if p != nil {
		p[string(fields)] = policy
	}
	return policy, nil
}
