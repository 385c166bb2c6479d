package radius

import (
	"errors"

	"layeh.com/radius"

	"upppoe/pppoe"
)

// ErrNotLive reports an attribute that cannot be changed while a session is open (wrapped).
var ErrNotLive = errors.New("it cannot be changed while a session is open")

// Change returns what a CoA-Request changes of a policy (RFC 5176): its attributes for which ignore is
// false. Those that are repeated replace all of their kind. n is their number. The error is an
// *AttributeError, which wraps ErrNotLive if the attribute is not one that can be changed.
func (p *Policies) Change(packet *radius.Packet, ignore func(AttributeType) bool) (change func(*pppoe.SessionPolicy), n int, err error) {
	all, err := values(packet)
	if err != nil {
		return nil, 0, err
	}
	var changed []value
	for _, v := range all {
		if ignore(v.AttributeType) {
			continue
		}
		if !p.isLive(v) {
			return nil, 0, &AttributeError{v.AttributeType, ErrNotLive}
		}
		changed = append(changed, v)
	}
	if err := newGrant(p, pppoe.SessionPolicy{}).applyValues(changed); err != nil {
		return nil, 0, err
	}
	return func(policy *pppoe.SessionPolicy) {
		g := newGrant(p, *policy)
		g.applyValues(changed) // as before, when it was no error
		*policy = g.policy
	}, len(changed), nil
}

// isLive reports whether a change takes effect while a session is open: one of the VRF does not.
func (p *Policies) isLive(v value) bool {
	if m, mapped := p.Mapped[v.AttributeType]; mapped {
		return m.Meaning != VRF
	}
	if v.AttributeType == (AttributeType{vendorCisco, 1}) {
		if _, vrf := vrfOfPair(string(v.data)); vrf {
			return false
		}
	}
	return known[v.AttributeType].live
}
