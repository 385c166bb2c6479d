package accounting

import (
	"net/netip"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"

	"upppoe/internal/deadlines"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// accounted is a session with a start record, and no stop record yet.
type accounted struct {
	timer     deadlines.Timer // of the next interim record
	info      pppoe.SessionInfo
	class     [][]byte
	addresses addresses
	interim   time.Duration // 0: no interim records
	began     time.Time
	before    datapath.Counters // of an earlier user of the session
	told      bool              // servers have the start record, or will by the spool
}

// Timer implements deadlines.Timed.
func (s *accounted) Timer() *deadlines.Timer { return &s.timer }

// addresses are what a session's peer has.
type addresses struct {
	ipv4        netip.Addr
	interfaceID [8]byte
	prefixes    []netip.Prefix
}

// usage is what a session has carried, and for how long.
type usage struct {
	input, output, inputPackets, outputPackets uint64
	duration                                   time.Duration
}

func (s *accounted) usage(c datapath.Counters, now time.Time) usage {
	return usage{
		input: c.ReceivedBytes - s.before.ReceivedBytes, output: c.SentBytes - s.before.SentBytes,
		inputPackets: c.ReceivedPackets - s.before.ReceivedPackets, outputPackets: c.SentPackets - s.before.SentPackets,
		duration: now.Sub(s.began),
	}
}

// packet returns the attributes of every record of the session.
func (a *Accounting) packet(s *accounted) *layeh.Packet {
	p := &layeh.Packet{Code: layeh.CodeAccountingRequest}
	rfc2865.UserName_SetString(p, s.info.User)
	a.cfg.NAS.AddSession(p, s.info)
	rfc2866.AcctAuthentic_Set(p, rfc2866.AcctAuthentic_Value_RADIUS)
	for _, c := range s.class {
		rfc2865.Class_Add(p, c)
	}
	addAddresses(p, s.addresses)
	return p
}

// terminateCause returns the Acct-Terminate-Cause of a session's end (RFC 2866 section 5.10).
func terminateCause(c session.Cause, stopping bool) rfc2866.AcctTerminateCause {
	switch c {
	case session.CauseUserRequest:
		if stopping {
			return rfc2866.AcctTerminateCause_Value_NASReboot
		}
		return rfc2866.AcctTerminateCause_Value_AdminReset
	case session.CausePeerTerminated:
		return rfc2866.AcctTerminateCause_Value_UserRequest
	case session.CauseHangUp, session.CausePeerDead:
		return rfc2866.AcctTerminateCause_Value_LostCarrier
	case session.CauseIdle:
		return rfc2866.AcctTerminateCause_Value_IdleTimeout
	case session.CauseExpired:
		return rfc2866.AcctTerminateCause_Value_SessionTimeout
	case session.CauseExhausted:
		return rfc2866.AcctTerminateCause_Value_NASRequest
	case session.CauseReplaced, session.CauseAddressInUse:
		return rfc2866.AcctTerminateCause_Value_PortPreempted
	case session.CauseNotNegotiated, session.CausePeerNotAuthenticated:
		return rfc2866.AcctTerminateCause_Value_UserError
	case session.CauseLooped:
		return rfc2866.AcctTerminateCause_Value_PortError
	}
	return rfc2866.AcctTerminateCause_Value_NASError
}
