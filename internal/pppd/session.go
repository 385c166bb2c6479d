package pppd

import (
	"crypto/rand"
	"slices"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// methods are the ways to prove who one is, by pppd's names for them, best first.
var methods = []struct {
	name string
	ppp.Method
}{
	{"eap", eap.MD5}, {"mschap-v2", chap.MSv2}, {"chap", chap.MD5}, {"pap", pap.Method},
}

// Session is what the settings say of PPP itself, for either side.
func (s *Settings) Session() session.Config {
	c := session.Config{
		Name:       s.Name,
		AuthTimers: s.AuthTimers,
		Rand:       rand.Reader,
	}
	c.LCP = lcp.Config{
		MRU: s.MRU, NoMagic: s.NoMagic, Limits: s.LCP,
		Echo: lcp.Echo{Interval: s.EchoInterval, Failures: s.EchoFailures, Adaptive: s.EchoAdaptive},
	}
	if !s.NoIP {
		c.IPv4 = &ipcp.Config{
			Local: s.Local, Remote: s.Remote, AcceptLocal: s.AcceptLocal, AcceptRemote: s.AcceptRemote,
			AskDNS: s.UsePeerDNS, AskNBNS: s.UsePeerWINS, Limits: s.IPCP,
		}
		copy(c.IPv4.DNS[:], s.DNS)
		copy(c.IPv4.NBNS[:], s.WINS)
	}
	if !s.NoIPv6 {
		c.IPv6 = &ipv6cp.Config{Local: s.LocalID, Remote: s.RemoteID, AcceptLocal: s.AcceptLocalID, Limits: s.IPv6CP}
	}
	return c
}

// Answer are the methods by which we prove who we are: all but those refused.
func (s *Settings) Answer() (answer []ppp.Method) {
	for _, m := range methods {
		if !slices.Contains(s.Refuse, m.name) {
			answer = append(answer, m.Method)
		}
	}
	return answer
}

// Demanded are the methods by which the peer must prove who it is: those required,
// or all if it is only said that it must.
func (s *Settings) Demanded() (demand []ppp.Method) {
	for _, m := range methods {
		if slices.Contains(s.Require, m.name) || s.Auth && len(s.Require) == 0 {
			demand = append(demand, m.Method)
		}
	}
	return demand
}

// Limits are what ends a session from our side.
func (s *Settings) Limits() pppoe.Limits {
	return pppoe.Limits{Idle: s.Idle, MaxConnect: s.MaxConnect, MaxBytes: s.MaxBytes, Count: s.Count}
}

// LineQueues is into how many parts the packets of a line are divided.
func (s *Settings) LineQueues() int {
	if s.Queues == 0 {
		return pppoe.Queues()
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
