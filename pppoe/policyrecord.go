package pppoe

import (
	"encoding/binary"
	"math"
)

// Fields of a SessionPolicy in a record. The numbers do not change.
const (
	policyCheckSource byte = 1 + iota
	policyAllowSource
	policyFramedRoute
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

// appendTo appends the fields of the policy.
func (p *SessionPolicy) appendTo(b []byte) []byte {
	b = appendFlag(b, policyCheckSource, p.CheckSource)
	b = appendPrefixes(b, policyAllowSource, p.AllowSources)
	b = appendPrefixes(b, policyFramedRoute, p.FramedRoutes)
	b = appendUint(b, policyUpBits, p.Up.Bits)
	b = appendInt(b, policyUpBurst, int64(p.Up.Burst))
	b = appendUint(b, policyDownBits, p.Down.Bits)
	b = appendInt(b, policyDownBurst, int64(p.Down.Burst))
	if p.Limits != nil {
		// An empty one is not the same as none.
		limits := append(p.Limits.appendTo(nil), 0, 0)
		b = appendField(b, policyLimits, limits)
	}
	b = appendInt(b, policyMSS, int64(p.MSS))
	b = appendInt(b, policyMTU, int64(p.MTU))
	b = appendAddr(b, policyDNS, p.DNS[0])
	b = appendAddr(b, policySecondDNS, p.DNS[1])
	for _, a := range p.IPv6DNS {
		b = appendAddr(b, policyIPv6DNS, a)
	}
	if p.InterfaceID != ([8]byte{}) {
		b = appendField(b, policyInterfaceID, p.InterfaceID[:])
	}
	b = appendField(b, policyAddressPool, p.AddressPool)
	b = appendField(b, policyIPv6Pool, p.IPv6Pool)
	b = appendField(b, policyDelegatedPool, p.DelegatedPool)
	b = appendPrefix(b, policyIPv6Prefix, p.IPv6Prefix)
	b = appendPrefix(b, policyDelegatedPrefix, p.DelegatedPrefix)
	b = appendAddr(b, policyIPv6Address, p.IPv6Address)
	b = appendInt(b, policyMaxSessions, int64(p.MaxSessions))
	b = appendField(b, policyAccount, p.Account)
	b = appendInt(b, policyInterimInterval, int64(p.InterimInterval))
	for _, class := range p.Class {
		b = append(binary.AppendUvarint(append(b, policyClass), uint64(len(class))), class...)
	}
	b = appendField(b, policyFilterID, p.FilterID)
	return appendField(b, policyVRF, p.VRF)
}

// parse sets the policy from its fields.
func (p *SessionPolicy) parse(fields []byte) error {
	r := fieldReader{rest: fields}
	for r.next() {
		if !p.parsePackets(&r) && !p.parseAddresses(&r) {
			p.parseAccount(&r)
		}
	}
	return r.err
}

// parsePackets reads a field that concerns packets, and reports whether it is one.
func (p *SessionPolicy) parsePackets(r *fieldReader) bool {
	switch r.tag {
	case policyCheckSource:
		p.CheckSource = r.flag()
	case policyAllowSource:
		p.AllowSources = append(p.AllowSources, r.prefix())
	case policyFramedRoute:
		p.FramedRoutes = append(p.FramedRoutes, r.prefix())
	case policyUpBits:
		p.Up.Bits = r.uint()
	case policyUpBurst:
		p.Up.Burst = r.duration()
	case policyDownBits:
		p.Down.Bits = r.uint()
	case policyDownBurst:
		p.Down.Burst = r.duration()
	case policyLimits:
		p.Limits = new(SessionLimits)
		p.Limits.parse(r)
	case policyMSS:
		p.MSS = int(r.int())
	case policyMTU:
		p.MTU = int(r.int())
	default:
		return false
	}
	return true
}

// parseAddresses reads a field that concerns what the peer is assigned, and reports whether it is one.
func (p *SessionPolicy) parseAddresses(r *fieldReader) bool {
	switch r.tag {
	case policyDNS:
		p.DNS[0] = r.addr()
	case policySecondDNS:
		p.DNS[1] = r.addr()
	case policyIPv6DNS:
		p.IPv6DNS = append(p.IPv6DNS, r.addr())
	case policyInterfaceID:
		r.octets(p.InterfaceID[:])
	case policyAddressPool:
		p.AddressPool = r.string()
	case policyIPv6Pool:
		p.IPv6Pool = r.string()
	case policyDelegatedPool:
		p.DelegatedPool = r.string()
	case policyIPv6Prefix:
		p.IPv6Prefix = r.prefix()
	case policyDelegatedPrefix:
		p.DelegatedPrefix = r.prefix()
	case policyIPv6Address:
		p.IPv6Address = r.addr()
	default:
		return false
	}
	return true
}

// parseAccount reads a field that concerns the user's account, and skips an unknown one.
func (p *SessionPolicy) parseAccount(r *fieldReader) {
	switch r.tag {
	case policyMaxSessions:
		p.MaxSessions = int(r.int())
	case policyAccount:
		p.Account = r.string()
	case policyInterimInterval:
		p.InterimInterval = r.duration()
	case policyClass:
		p.Class = append(p.Class, append([]byte{}, r.value...))
	case policyFilterID:
		p.FilterID = r.string()
	case policyVRF:
		p.VRF = r.string()
	}
}

// Fields of SessionLimits in a record. The numbers do not change.
const (
	limitIdleTimeout byte = 1 + iota
	limitSessionTimeout
	limitMaxBytes
	limitCount
)

func (l *SessionLimits) appendTo(b []byte) []byte {
	b = appendInt(b, limitIdleTimeout, int64(l.IdleTimeout))
	b = appendInt(b, limitSessionTimeout, int64(l.SessionTimeout))
	b = appendUint(b, limitMaxBytes, l.MaxBytes)
	return appendUint(b, limitCount, uint64(l.Count))
}

// parse sets the limits from a field.
func (l *SessionLimits) parse(of *fieldReader) {
	r := fieldReader{rest: of.value}
	for r.next() {
		switch r.tag {
		case limitIdleTimeout:
			l.IdleTimeout = r.duration()
		case limitSessionTimeout:
			l.SessionTimeout = r.duration()
		case limitMaxBytes:
			l.MaxBytes = r.uint()
		case limitCount:
			l.Count = Counting(r.uintUpTo(math.MaxUint8))
		}
	}
	if r.err != nil {
		of.fail()
	}
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
	at.policy, at.fields = p, p.appendTo(nil)
	return at.fields
}
