package pppd

import (
	"crypto/rand"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// methods are the authentication methods with pppd's names, in order of preference.
var methods = []struct {
	name string
	ppp.Method
}{
	{"eap", eap.MD5}, {"mschap-v2", chap.MSv2}, {"chap", chap.MD5}, {mschapV1, chap.MSv1}, {"pap", pap.Method},
}

// challengeKey is the key with which all sessions of this process mark their challenges. It does not
// change when options are read again.
var challengeKey = sync.OnceValue(func() []byte {
	key := make([]byte, 32)
	rand.Read(key) // which never fails
	return key
})

// Session returns the configuration of PPP, for client and server.
func (s *Settings) Session() session.Config {
	c := session.Config{
		Name:       s.Name,
		AuthTimers: s.AuthTimers,

		ChallengeKey: challengeKey(),
	}
	c.LCP = lcp.Config{MRU: s.WantedMRU(), NoMagic: s.NoMagic, Limits: s.LCP, Echo: s.echo()}
	if !s.NoIP {
		c.IPv4 = &ipcp.Config{
			Local: s.Local, Remote: s.Remote, AcceptLocal: s.AcceptLocal, AcceptRemote: s.AcceptRemote,
			RequestDNS: s.UsePeerDNS, RequestNBNS: s.UsePeerWINS, Limits: s.IPCP,
		}
		copy(c.IPv4.DNS[:], s.DNS)
		copy(c.IPv4.NBNS[:], s.WINS)
	}
	if !s.NoIPv6 {
		c.IPv6 = &ipv6cp.Config{
			Local: s.LocalID, Remote: s.RemoteID, AcceptLocal: s.AcceptLocalID, AcceptNoRemote: s.NoRemoteID, OmitLocal: s.NoSendID, Limits: s.IPv6CP,
		}
		if id, ok := interfaceIDOf(s.RemoteNumber); ok && s.UseRemoteNumber && s.RemoteID == (ipv6cp.ID{}) {
			c.IPv6.Remote = id
		}
	}
	return c
}

// WantedMRU returns the MRU to request, in octets; 0 means the default. A mtu above PPPoE's usual 1492
// without mru or default-mru applies in both directions (RFC 4638).
func (s *Settings) WantedMRU() int {
	if s.MRU == 0 && !s.DefaultMRU && s.MTU > discovery.EthernetPayload {
		return s.MTU
	}
	return s.MRU
}

// silentFailures is the number of Echo-Requests that are sent, and may be lost, within a SilenceLimit.
const silentFailures = 3

// echo returns the configuration of LCP echoes. rp-pppoe's pppoe -T ends a session in which nothing was
// received for a time; echoes replace that, so that an idle session does not end.
func (s *Settings) echo() lcp.Echo {
	if s.EchoInterval == 0 && s.SilenceLimit > 0 {
		return lcp.Echo{Interval: max(s.SilenceLimit/(silentFailures+1), time.Second), Failures: silentFailures}
	}
	return lcp.Echo{Interval: s.EchoInterval, Failures: s.EchoFailures, Adaptive: s.EchoAdaptive}
}

// RemoteIDByAddr reports whether the peer's interface identifier is derived from its Ethernet address,
// which is pppd's default for remotenumber.
func (s *Settings) RemoteIDByAddr() bool {
	_, given := interfaceIDOf(s.RemoteNumber)
	return s.UseRemoteNumber && !given && s.RemoteID == (ipv6cp.ID{})
}

// interfaceIDOf returns the interface identifier that is derived from an Ethernet address (RFC 4291
// appendix A), or the last octets of an IPv4 or IPv6 address.
func interfaceIDOf(number string) (id ipv6cp.ID, ok bool) {
	if a, err := wire.ParseAddr(twoDigits(number)); err == nil {
		return a.InterfaceID(), true
	}
	a, err := netip.ParseAddr(number)
	if err != nil {
		return id, false
	}
	if a.Is4() {
		copy(id[4:], a.AsSlice())
	} else {
		copy(id[:], a.AsSlice()[8:])
	}
	return id, id != ipv6cp.ID{}
}

// AllowAuth returns the methods with which we authenticate ourselves: all that are not refused.
// MS-CHAPv1 must be allowed, or all others refused, which makes pppd use it.
func (s *Settings) AllowAuth() (answer []ppp.Method) {
	var v1 ppp.Method = chap.MSv1
	if s.LANMAN {
		v1 = chap.LANMAN
	}
	last := true
	for _, m := range methods {
		switch refused := slices.Contains(s.Refuse, m.name); {
		case refused:
		case m.name != mschapV1:
			answer, last = append(answer, m.Method), false
		case s.MSCHAPv1:
			answer = append(answer, v1)
		}
	}
	if last && !s.MSCHAPv1 && !slices.Contains(s.Refuse, mschapV1) {
		return []ppp.Method{v1}
	}
	return answer
}

// RequireAuth returns the methods that we accept from the peer as authenticator: those required, or all
// but MS-CHAPv1 if only auth is given. None: the peer need not authenticate itself.
func (s *Settings) RequireAuth() (demand []ppp.Method) {
	for _, m := range methods {
		if slices.Contains(s.Require, m.name) || s.Auth && len(s.Require) == 0 && m.name != mschapV1 {
			demand = append(demand, m.Method)
		}
	}
	return demand
}

// Limits returns the limits at which we end a session.
func (s *Settings) Limits() pppoe.SessionLimits {
	return pppoe.SessionLimits{IdleTimeout: s.Idle, SessionTimeout: s.MaxConnect, MaxBytes: s.MaxBytes, Count: s.Count}
}

// DataPathQueues returns the number of queues over which the packets of an interface are distributed.
func (s *Settings) DataPathQueues() int {
	if s.Queues == 0 {
		return datapath.Queues()
	}
	return s.Queues
}

// ClampMSS returns the MSS limit for pppoe's configurations: the smaller one of option mss and what an
// option mtu allows. 0 means the default, a negative value no clamping.
func (s *Settings) ClampMSS() int {
	byMTU := s.MTU - 40 // headers of IPv4 and TCP, without options
	if s.MSS < 0 || s.MTU == 0 || s.MSS > 0 && s.MSS < byMTU {
		return s.MSS
	}
	return byMTU
}
