package pppoe

import (
	"net/netip"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// wanted is what a session wants of the host's network, apart from its policy. It is kept for every
// session, and so takes less memory than an Addressing.
type wanted struct {
	device bool // whether it has a device
	MTU    uint16
	IPv4   agreement
	IPv6   ipv6cp.Agreement
}

// agreement is an ipcp.Agreement. Only a client's has name servers.
type agreement struct {
	local, remote address
	servers       *nameServers // nil: none
}

// nameServers are those of an ipcp.Agreement.
type nameServers struct{ dns, nbns [2]netip.Addr }

func newAgreement(a ipcp.Agreement) agreement {
	short := agreement{local: newAddress(a.Local), remote: newAddress(a.Remote)}
	if s := (nameServers{a.DNS, a.NBNS}); s != (nameServers{}) {
		short.servers = &s
	}
	return short
}

// full returns the ipcp.Agreement.
func (a agreement) full() ipcp.Agreement {
	full := ipcp.Agreement{Local: a.local.addr(), Remote: a.remote.addr()}
	if a.servers != nil {
		full.DNS, full.NBNS = a.servers.dns, a.servers.nbns
	}
	return full
}

func (w *wanted) addressing() Addressing {
	return Addressing{MTU: int(w.MTU), IPv4: w.IPv4.full(), IPv6: w.IPv6}
}

// has reports whether a family is open.
func (w *wanted) has(p ppp.Protocol) bool {
	return p == ppp.IPv4 && w.IPv4.local.valid || p == ppp.IPv6 && w.IPv6.Local != ipv6cp.ID{}
}

// desiredNetwork returns what the session wants of the host's network.
func (s *sessionState) desiredNetwork() desired {
	return desired{s.desired.device, s.desiredAddressing(), s.policy.FramedRoutes}
}
