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
	"upppoe/pppoe/wire"
)

// methods are the ways to prove who one is, by pppd's names for them, best first.
var methods = []struct {
	name string
	ppp.Method
}{
	{"eap", eap.MD5}, {"mschap-v2", chap.MSv2}, {"chap", chap.MD5}, {mschapV1, chap.MSv1}, {"pap", pap.Method},
}

// challengeKey marks the challenges of this process, all its sessions' alike, also when options
// have been read again.
var challengeKey = sync.OnceValue(func() []byte {
	key := make([]byte, 32)
	rand.Read(key) // which never fails
	return key
})

// Session is what the settings say of PPP itself, for either side.
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

// WantedMRU is the longest packet that we want to receive, in octets; 0: the default. A mtu above
// PPPoE's usual 1492 that stands alone is meant both ways (RFC 4638).
func (s *Settings) WantedMRU() int {
	if s.MRU == 0 && !s.DefaultMRU && s.MTU > pppoeMTU {
		return s.MTU
	}
	return s.MRU
}

// pppoeMTU is the longest packet of a session without RFC 4638 (RFC 2516 section 7).
const pppoeMTU = 1492

// silentFailures is how many echoes may go unanswered in a SilenceLimit, and are sent in it.
const silentFailures = 3

// echo is how the peer's life is checked. A peer that is silent for as long as rp-pppoe's pppoe -T
// says is gone, which echoes find without ending a session that merely carries nothing.
func (s *Settings) echo() lcp.Echo {
	if s.EchoInterval == 0 && s.SilenceLimit > 0 {
		return lcp.Echo{Interval: max(s.SilenceLimit/(silentFailures+1), time.Second), Failures: silentFailures}
	}
	return lcp.Echo{Interval: s.EchoInterval, Failures: s.EchoFailures, Adaptive: s.EchoAdaptive}
}

// RemoteIDByAddr reports whether the peer's interface identifier is to be made of its Ethernet
// address: pppd's remotenumber, if it is not told otherwise.
func (s *Settings) RemoteIDByAddr() bool {
	_, given := interfaceIDOf(s.RemoteNumber)
	return s.UseRemoteNumber && !given && s.RemoteID == (ipv6cp.ID{})
}

// interfaceIDOf is the interface identifier of an Ethernet address (RFC 4291 appendix A), or of an IPv4
// or IPv6 address: its last octets.
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

// AllowAuth are the methods by which we prove who we are: all but those refused, and MS-CHAPv1 only
// if it is allowed, or all others are refused, which is how pppd is told to use it.
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

// RequireAuth are the methods by which the peer must prove who it is: those required,
// or all if it is only said that it must.
func (s *Settings) RequireAuth() (demand []ppp.Method) {
	for _, m := range methods {
		if slices.Contains(s.Require, m.name) || s.Auth && len(s.Require) == 0 && m.name != mschapV1 {
			demand = append(demand, m.Method)
		}
	}
	return demand
}

// Limits are what ends a session from our side.
func (s *Settings) Limits() pppoe.Limits {
	return pppoe.Limits{IdleTimeout: s.Idle, SessionTimeout: s.MaxConnect, MaxBytes: s.MaxBytes, Count: s.Count}
}

// DataPathQueues is into how many parts the packets of a line are divided.
func (s *Settings) DataPathQueues() int {
	if s.Queues == 0 {
		return datapath.Queues()
	}
	return s.Queues
}

// ClampMSS is pppoe's MSS: no more than what option mss says, nor than an option mtu
// leaves room for.
func (s *Settings) ClampMSS() int {
	byMTU := s.MTU - 40 // headers of IPv4 and TCP, without options
	if s.MSS < 0 || s.MTU == 0 || s.MSS > 0 && s.MSS < byMTU {
		return s.MSS
	}
	return byMTU
}
