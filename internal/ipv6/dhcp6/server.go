package dhcp6

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
	"github.com/insomniacslk/dhcp/rfc1035label"

	"upppoe/internal/ipv6/lifetime"
)

// ServerConfig configures a Server. DUID must be set.
type ServerConfig struct {
	DUID DUID
	// Address and Prefix allocate what is to be leased. They are called when a client first
	// requests it, and again after an error. nil: none.
	Address func() (netip.Addr, error)
	Prefix  func() (netip.Prefix, error)
	// Preferred and Valid are the lifetimes of both, at least a second.
	Preferred, Valid time.Duration
	// NameServers and SearchDomains are sent in every reply.
	NameServers   []netip.Addr
	SearchDomains []string
}

// Server is the DHCPv6 server of one link, which leases at most one address and one prefix, to any
// client. NewServer makes it.
type Server struct {
	cfg   ServerConfig
	state ServerState
}

// ServerState is all that a Server remembers of its link, so that a caller with many links can keep
// it in a form of its own. The zero value is that of a link that has just come up.
type ServerState struct {
	Address, Prefix Binding
	Tokens          int // of the rate limiter
	Refilled        time.Time
}

// Binding is what is allocated to the link, and the client that has it.
type Binding struct {
	Resource netip.Prefix // invalid: not allocated
	Client   DUID
	IAID     [4]byte
	Bound    bool
	lifetime.Lifetime
}

// Leases are a Server's present leases; invalid prefixes: none.
type Leases struct{ Address, Prefix Lease }

// ErrRate reports a message that was dropped by the rate limiter.
var ErrRate = errors.New("rate limit of DHCPv6 messages exceeded")

// Rate limit of messages that are answered: burst, and rate per second.
const (
	rateBurst     = 20
	ratePerSecond = 5
)

// NewServer makes the server of a link that has just come up.
func NewServer(cfg *ServerConfig) *Server { return ResumeServer(cfg, ServerState{}) }

// ResumeServer makes the server of a link from the State of an earlier one.
func ResumeServer(cfg *ServerConfig, state ServerState) *Server { return &Server{*cfg, state} }

// State returns what the server remembers. It shares memory with the server.
func (s *Server) State() ServerState { return s.state }

// Receive handles a client's message, and returns the reply; nil: none. The error says why a
// message was dropped: it is one of this package's (wrapped).
func (s *Server) Receive(now time.Time, b []byte) ([]byte, error) {
	if !s.allow(now) {
		return nil, ErrRate
	}
	m, err := parse(b)
	if err != nil {
		return nil, err
	}
	client, err := s.check(m)
	if err != nil {
		return nil, err
	}
	s.Advance(now)
	r := &dhcpv6.Message{MessageType: dhcpv6.MessageTypeReply, TransactionID: m.TransactionID}
	if client != nil {
		r.AddOption(rawOption(dhcpv6.OptionClientID, client))
	}
	r.AddOption(rawOption(dhcpv6.OptionServerID, s.cfg.DUID))
	if !s.handle(now, m, r, client) {
		return nil, nil
	}
	return r.ToBytes(), nil
}

// allow limits the rate of answers, as a client decides how many messages it sends.
func (s *Server) allow(now time.Time) bool {
	if n := int(min(now.Sub(s.state.Refilled)/(time.Second/ratePerSecond), rateBurst)); n > 0 {
		s.state.Tokens, s.state.Refilled = min(s.state.Tokens+n, rateBurst), now
	}
	if s.state.Tokens == 0 {
		return false
	}
	s.state.Tokens--
	return true
}

// check applies RFC 8415 section 16, and returns the client.
func (s *Server) check(m *dhcpv6.Message) (client DUID, err error) {
	client = optionData(m, dhcpv6.OptionClientID)
	if hasOption(m, dhcpv6.OptionClientID) && (len(client) < minDUID || len(client) > maxDUID) {
		return nil, ErrClient
	}
	toUs := bytes.Equal(optionData(m, dhcpv6.OptionServerID), s.cfg.DUID)
	switch m.MessageType {
	case dhcpv6.MessageTypeSolicit, dhcpv6.MessageTypeConfirm, dhcpv6.MessageTypeRebind:
		if hasOption(m, dhcpv6.OptionServerID) {
			return nil, ErrServer
		}
	case dhcpv6.MessageTypeRequest, dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		if !toUs {
			return nil, ErrServer
		}
	case dhcpv6.MessageTypeInformationRequest:
		if hasOption(m, dhcpv6.OptionServerID) && !toUs || hasOption(m, dhcpv6.OptionIANA) || hasOption(m, dhcpv6.OptionIAPD) {
			return nil, ErrServer
		}
		return client, nil
	default:
		return nil, fmt.Errorf("%w: %v", ErrUnexpected, m.MessageType)
	}
	if client == nil {
		return nil, ErrClient
	}
	return client, nil
}

// handle completes the reply, and reports whether there is one (RFC 8415 section 18.3).
func (s *Server) handle(now time.Time, m, r *dhcpv6.Message, client DUID) bool {
	switch m.MessageType {
	case dhcpv6.MessageTypeSolicit:
		s.handleSolicit(now, m, r, client)
	case dhcpv6.MessageTypeRequest:
		s.lease(now, m, r, client, s.grant)
	case dhcpv6.MessageTypeRenew, dhcpv6.MessageTypeRebind:
		s.lease(now, m, r, client, s.extend)
	case dhcpv6.MessageTypeConfirm:
		return s.confirm(m, r)
	case dhcpv6.MessageTypeRelease, dhcpv6.MessageTypeDecline:
		s.handleRelease(m, r, client)
		return true
	}
	s.addDNS(r)
	return true
}

// handleSolicit offers leases, or assigns them at once with Rapid Commit (RFC 8415 section 18.3.1).
// There can be no other server on the link.
func (s *Server) handleSolicit(now time.Time, m, r *dhcpv6.Message, client DUID) {
	if hasOption(m, dhcpv6.OptionRapidCommit) {
		r.AddOption(rawOption(dhcpv6.OptionRapidCommit, nil))
		s.lease(now, m, r, client, s.grant)
		return
	}
	r.MessageType = dhcpv6.MessageTypeAdvertise
	r.AddOption(rawOption(dhcpv6.OptionPreference, []byte{maxPreference}))
	s.lease(now, m, r, client, s.offerLease)
}

// confirm reports whether the message has addresses, which are checked against the link (RFC 8415
// section 18.3.3).
func (s *Server) confirm(m, r *dhcpv6.Message) bool {
	status, named := iana.StatusSuccess, false
	for _, ia := range m.Options.IANA() {
		for _, a := range ia.Options.Addresses() {
			named = true
			if !s.state.Address.Resource.IsValid() || !a.IPv6Addr.Equal(net.IP(s.state.Address.Resource.Addr().AsSlice())) {
				status = iana.StatusNotOnLink
			}
		}
	}
	r.AddOption(&dhcpv6.OptStatusCode{StatusCode: status})
	return named
}

// handleRelease ends leases (RFC 8415 sections 18.3.7 and 18.3.8). An address that a client
// declines remains allocated to it: nobody else on a point-to-point link can use it, and there is
// no other to assign.
func (s *Server) handleRelease(m, r *dhcpv6.Message, client DUID) {
	noBinding := &dhcpv6.OptStatusCode{StatusCode: iana.StatusNoBinding}
	for _, ia := range bounded(m.Options.IANA()) {
		if !s.state.Address.unbind(client, ia.IaId) {
			r.AddOption(&dhcpv6.OptIANA{IaId: ia.IaId, Options: dhcpv6.IdentityOptions{Options: dhcpv6.Options{noBinding}}})
		}
	}
	for _, ia := range bounded(m.Options.IAPD()) {
		if !s.state.Prefix.unbind(client, ia.IaId) {
			r.AddOption(&dhcpv6.OptIAPD{IaId: ia.IaId, Options: dhcpv6.PDOptions{Options: dhcpv6.Options{noBinding}}})
		}
	}
	r.AddOption(&dhcpv6.OptStatusCode{StatusCode: iana.StatusSuccess})
}

// bounded limits how many options are answered.
func bounded[T any](list []T) []T { return list[:min(len(list), maxLeases)] }

// unbind ends a client's binding. It returns false if the client has none.
func (b *Binding) unbind(client DUID, iaid [4]byte) bool {
	if !b.belongsTo(client, iaid) {
		return false
	}
	b.Bound = false
	return true
}

// addDNS adds name servers and search domains.
func (s *Server) addDNS(r *dhcpv6.Message) {
	if len(s.cfg.NameServers) > 0 {
		var list []net.IP
		for _, a := range s.cfg.NameServers {
			list = append(list, a.AsSlice())
		}
		r.AddOption(dhcpv6.OptDNS(list...))
	}
	if len(s.cfg.SearchDomains) > 0 {
		r.AddOption(dhcpv6.OptDomainSearchList(&rfc1035label.Labels{Labels: s.cfg.SearchDomains}))
	}
}

// Advance ends expired leases.
func (s *Server) Advance(now time.Time) {
	for _, b := range []*Binding{&s.state.Address, &s.state.Prefix} {
		if b.Bound && b.Expired(now) {
			b.Bound = false
		}
	}
}

// Next returns when Advance has something to do; zero: after the next message.
func (s *Server) Next() (next time.Time) {
	for _, b := range []Binding{s.state.Address, s.state.Prefix} {
		if b.Bound {
			next = lifetime.Earliest(next, b.Valid)
		}
	}
	return next
}

// Leases returns the present leases.
func (s *Server) Leases() (l Leases) {
	if s.state.Address.Bound {
		l.Address = Lease{s.state.Address.Resource, s.state.Address.Lifetime}
	}
	if s.state.Prefix.Bound {
		l.Prefix = Lease{s.state.Prefix.Resource, s.state.Prefix.Lifetime}
	}
	return l
}
