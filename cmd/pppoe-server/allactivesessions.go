package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"upppoe/internal/cluster/allactive"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// memberSessions are the sessions of the server, as the cluster ends them.
type memberSessions struct{ server *pppoe.Server }

var _ allactive.Sessions = memberSessions{}

func (m memberSessions) End(generation uint64, why string) {
	if key, ok := m.server.Lookup(generation); ok {
		m.end(key, why)
	}
}

// end ends a session by a PADT: its client has another one, or is to dial another machine.
func (m memberSessions) end(key pppoe.SessionKey, why string) {
	m.server.Disconnect(key, pppoe.DisconnectHard, session.Reason{Text: why}) // it may have ended
}

func (m memberSessions) Check(generation uint64) {
	if key, ok := m.server.Lookup(generation); ok {
		m.server.CheckPeer(key) // it may have ended
	}
}

func (m memberSessions) EndIn(blocks []netip.Prefix, why string) {
	m.endIf(why, func(s *pppoe.SessionStatus) bool {
		return slices.ContainsFunc(blocks, func(b netip.Prefix) bool {
			return b.Contains(s.IPv4.Remote) || slices.ContainsFunc(s.Prefixes, b.Overlaps)
		})
	})
}

func (m memberSessions) EndAll(why string) {
	m.endIf(why, func(*pppoe.SessionStatus) bool { return true })
}

// endTimeout is how long ended sessions are waited for.
const endTimeout = 10 * time.Second

// endIf ends sessions, and waits until there is none of them.
func (m memberSessions) endIf(why string, is func(*pppoe.SessionStatus) bool) {
	for end := time.Now().Add(endTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		n := 0
		for s := range m.server.Sessions() {
			if is(&s) {
				n++
				m.end(s.Key(), why)
			}
		}
		if n == 0 {
			return
		}
	}
}

func (m memberSessions) Refuse(why error) { m.server.Refuse(why) }

// claimingAuthenticator claims in the cluster what a user gets, before the login is accepted.
type claimingAuthenticator struct {
	pppoe.Authenticator
	member     *allactive.Member
	policy     func(pppoe.SessionInfo) *pppoe.SessionPolicy
	duplicates pppoe.Duplicates
}

// Authenticate implements pppoe.Authenticator.
func (a claimingAuthenticator) Authenticate(ctx context.Context, s pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	result := a.Authenticator.Authenticate(ctx, s, r)
	if !result.Accepted {
		return result
	}
	s.User = r.User()
	policy := result.Policy
	if policy == nil && a.policy != nil {
		policy = a.policy(s)
	}
	if policy == nil {
		policy = &pppoe.SessionPolicy{}
	}
	address, err := a.claim(ctx, s, policy, &result)
	if err != nil {
		var refused pppoe.AuthResult
		refused.Reason = "cluster: " + err.Error()
		return refused
	}
	if address.IsValid() {
		result.Address, result.Alternates = address, nil
	}
	return result
}

// claim claims what a policy says, and one of the addresses of the account, which it returns.
func (a claimingAuthenticator) claim(ctx context.Context, s pppoe.SessionInfo, policy *pppoe.SessionPolicy, result *pppoe.AuthResult) (chosen netip.Addr, err error) {
	if !result.Address.Is4() || result.Address.IsUnspecified() {
		return chosen, a.member.Claim(ctx, s.Generation, wantOf(s.User, policy, a.duplicates, nil))
	}
	want := func(address netip.Addr) allactive.Want {
		return wantOf(s.User, policy, a.duplicates, []netip.Addr{address})
	}
	others := slices.DeleteFunc(slices.Clone(result.Alternates), func(o netip.Addr) bool { return o == result.Address })
	for _, address := range others {
		w := want(address)
		w.Replace = false
		var inUse allactive.InUseError
		if err = a.member.Claim(ctx, s.Generation, w); !errors.As(err, &inUse) {
			return address, err
		}
	}
	return result.Address, a.member.Claim(ctx, s.Generation, want(result.Address))
}

// wantOf returns what a session of a user must claim, by its policy, and its addresses.
func wantOf(user string, policy *pppoe.SessionPolicy, duplicates pppoe.Duplicates, addresses []netip.Addr) (w allactive.Want) {
	w.User, w.Limit = pppoe.CountedUser(user, policy, duplicates)
	w.Replace = duplicates == pppoe.ReplaceDuplicate
	for _, address := range append(addresses, policy.IPv6Address) {
		if address.IsValid() {
			w.Fixed = append(w.Fixed, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	for _, prefix := range []netip.Prefix{policy.IPv6Prefix, policy.DelegatedPrefix} {
		if prefix.IsValid() {
			w.Fixed = append(w.Fixed, prefix)
		}
	}
	w.Routes, w.VRF = policy.FramedRoutes, policy.VRF
	return w
}
