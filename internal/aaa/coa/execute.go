package coa

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc3576"
	"layeh.com/radius/rfc5176"

	"upppoe/internal/aaa/radius"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// Types of attributes.
const (
	userName         = 1
	nasIPAddress     = 4
	nasPort          = 5
	serviceType      = 6
	framedIPAddress  = 8
	replyMessage     = 18
	calledStationID  = 30
	callingStationID = 31
	nasIdentifier    = 32
	proxyState       = 33
	acctSessionID    = 44
	terminateCause   = 49
	eventTimestamp   = 55
	nasPortType      = 61
	messageAuth      = 80
	nasPortID        = 87
	nasIPv6Address   = 95
)

// isForRouting reports whether an attribute says nothing about sessions (RFC 5176 section 3.1).
func isForRouting(t radius.AttributeType) bool {
	if t.Vendor != 0 {
		return false
	}
	switch t.Type {
	case nasIPAddress, nasIdentifier, nasIPv6Address, proxyState, eventTimestamp, messageAuth, replyMessage, terminateCause, nasPortType:
		return true
	}
	return identifies(t)
}

// identifies reports whether an attribute identifies sessions.
func identifies(t radius.AttributeType) bool {
	if t.Vendor != 0 {
		return false
	}
	switch t.Type {
	case userName, nasPort, framedIPAddress, calledStationID, callingStationID, acctSessionID, nasPortID:
		return true
	}
	return false
}

// execute executes a request of a client; nil: it is done.
func (s *Server) execute(p *layeh.Packet, from netip.Addr) *refusal {
	if err := s.checkNAS(p); err != nil {
		return err
	}
	// RFC 5176 section 3.2: Authorize Only is not supported.
	if a, ok := p.Lookup(serviceType); ok && (p.Code == layeh.CodeDisconnectRequest || len(a) == 4 && a[3] == byte(rfc2865.ServiceType(17))) {
		return refuse(rfc3576.ErrorCause_Value_UnsupportedService, "Service-Type is not supported")
	}
	change, n, err := s.rules.Load().Policies.Change(p, isForRouting)
	switch {
	case errors.Is(err, radius.ErrNotLive):
		return refuse(rfc3576.ErrorCause_Value_UnsupportedAttribute, "%v", err)
	case err != nil:
		return refuse(rfc5176.ErrorCause_Value_InvalidAttributeValue, "%v", err)
	case p.Code == layeh.CodeCoARequest && n == 0:
		return refuse(rfc3576.ErrorCause_Value_MissingAttribute, "no attribute to change")
	case p.Code == layeh.CodeDisconnectRequest && n > 0:
		return refuse(rfc3576.ErrorCause_Value_UnsupportedAttribute, "a Disconnect-Request changes nothing")
	}
	keys, why := s.find(p)
	if why != nil {
		return why
	}
	return s.apply(p.Code, keys, change, from)
}

// checkNAS: RFC 5176 section 3.5, 403: the request must be for us.
func (s *Server) checkNAS(p *layeh.Packet) *refusal {
	nas := s.cfg.NAS
	for _, a := range p.Attributes {
		wrong := false
		switch a.Type {
		case nasIdentifier:
			wrong = string(a.Attribute) != nas.Identifier
		case nasIPAddress:
			wrong = nas.IPv4.IsValid() && string(a.Attribute) != string(nas.IPv4.AsSlice())
		case nasIPv6Address:
			wrong = nas.IPv6.IsValid() && string(a.Attribute) != string(nas.IPv6.AsSlice())
		}
		if wrong {
			return refuse(rfc3576.ErrorCause_Value_NASIdentificationMismatch, "the request is for another NAS")
		}
	}
	return nil
}

// find returns the sessions that match all attributes that identify them.
func (s *Server) find(p *layeh.Packet) (keys []pppoe.SessionKey, why *refusal) {
	var tests []func(*pppoe.SessionStatus) bool
	for _, a := range p.Attributes {
		if identifies(radius.AttributeType{Type: uint8(max(a.Type, 0))}) {
			if len(a.Attribute) == 0 { // RFC 2865 section 5: must not be; sessions without a name would match
				return nil, refuse(rfc5176.ErrorCause_Value_InvalidAttributeValue, "attribute %d is empty", a.Type)
			}
			tests = append(tests, s.test(uint8(a.Type), a.Attribute))
		}
	}
	if len(tests) == 0 {
		return nil, refuse(rfc3576.ErrorCause_Value_MissingAttribute, "no attribute identifies a session: give Acct-Session-Id")
	}
	matches := func(status *pppoe.SessionStatus) bool {
		for _, test := range tests {
			if !test(status) {
				return false
			}
		}
		return true
	}
	if id, ok := p.Lookup(acctSessionID); ok {
		if generation, ok := s.cfg.NAS.GenerationOf(string(id)); ok {
			if key, ok := s.cfg.Sessions.Lookup(generation); ok {
				if status, err := s.cfg.Sessions.Session(key); err == nil && matches(&status) {
					keys = append(keys, key)
				}
			}
		}
	} else {
		for status := range s.cfg.Sessions.Sessions() {
			if matches(&status) {
				keys = append(keys, status.Key())
			}
		}
	}
	if len(keys) == 0 {
		return nil, refuse(rfc3576.ErrorCause_Value_SessionContextNotFound, "no such session")
	}
	return keys, nil
}

// test returns a function that reports whether an attribute is a session's.
func (s *Server) test(of uint8, want []byte) func(*pppoe.SessionStatus) bool {
	text := string(want)
	return func(status *pppoe.SessionStatus) bool {
		switch of {
		case userName:
			return status.User == text
		case nasPort:
			return len(want) == 4 && uint32(status.Unit) == uint32(want[0])<<24|uint32(want[1])<<16|uint32(want[2])<<8|uint32(want[3])
		case framedIPAddress:
			return status.IPv4.Remote.IsValid() && string(status.IPv4.Remote.AsSlice()) == text
		case calledStationID:
			return radius.CalledStation(status.SessionInfo) == text
		case callingStationID:
			return isStation(text, status.SessionInfo)
		case acctSessionID:
			return s.cfg.NAS.SessionID(status.Generation) == text
		case nasPortID:
			return radius.PortID(status.SessionInfo) == text
		}
		return false
	}
}

// isStation compares Ethernet addresses in any notation.
func isStation(text string, s pppoe.SessionInfo) bool {
	digits := strings.NewReplacer("-", "", ":", "", ".", "")
	return strings.EqualFold(digits.Replace(text), digits.Replace(s.Peer.String()))
}

// apply changes or ends sessions, for a client. It fails if none of them is there any more.
func (s *Server) apply(code layeh.Code, keys []pppoe.SessionKey, change func(*pppoe.SessionPolicy), from netip.Addr) *refusal {
	first, _ := s.cfg.Sessions.Session(keys[0]) // for the log
	what, values, counter := "changed", "", func(c *Stats) *uint64 { return &c.Changed }
	var done int
	var why *refusal
	if code == layeh.CodeDisconnectRequest {
		what, counter = "ended", func(c *Stats) *uint64 { return &c.Disconnected }
		done = s.disconnect(keys)
	} else {
		values = ": " + requested(change)
		done, why = s.change(keys, change)
	}
	switch {
	case why != nil:
		return why
	case done == 0:
		return refuse(rfc3576.ErrorCause_Value_SessionContextNotFound, "the session has just ended")
	}
	s.update(func(c *Stats) { *counter(c) += uint64(done) })
	s.cfg.Log.Info(fmt.Sprintf(`RADIUS: %s %d session(s) on request of %v, the first of %v on %s, user "%s"%s`,
		what, done, from, keys[0].Peer, wire.Escape(keys[0].Interface), wire.EscapeName(first.User), values))
	return nil
}

// disconnect ends sessions, and returns how many were there still.
func (s *Server) disconnect(keys []pppoe.SessionKey) (done int) {
	for _, key := range keys {
		if s.cfg.Sessions.Disconnect(key, pppoe.DisconnectSoft, session.Reason{Cause: session.CauseUserRequest, Text: "Disconnected by the AAA server"}) == nil {
			done++
		}
	}
	return done
}

// change changes the policies of sessions, and returns how many were there still. RFC 5176 section 3: of all or, if
// one cannot have what it is to have, of none.
func (s *Server) change(keys []pppoe.SessionKey, change func(*pppoe.SessionPolicy)) (done int, why *refusal) {
	settle := make([]func(bool), 0, len(keys))
	for _, key := range keys {
		one, err := s.claim(key, change)
		if err != nil {
			for _, earlier := range settle {
				earlier(false)
			}
			return 0, refuse(rfc3576.ErrorCause_Value_ResourcesUnavailable, "%v", err)
		}
		settle = append(settle, one)
	}
	for i, key := range keys {
		err := s.cfg.Sessions.ChangePolicy(key, change)
		settle[i](err == nil)
		switch {
		case err == nil:
			done++
		case !errors.Is(err, pppoe.ErrNoSession):
			why = refuse(rfc3576.ErrorCause_Value_ResourcesUnavailable, "%v", err)
		}
	}
	return done, why
}

// claim is Config.Claim.
func (s *Server) claim(key pppoe.SessionKey, change func(*pppoe.SessionPolicy)) (settle func(changed bool), err error) {
	if s.cfg.Claim == nil {
		return func(bool) {}, nil
	}
	return s.cfg.Claim(key, change)
}
