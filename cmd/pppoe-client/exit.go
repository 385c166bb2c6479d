package main

import (
	"errors"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/tun"
)

// Exit codes, which are pppd's (pppd(8), EXIT STATUS).
const (
	exitOK         = 0
	exitFatal      = 1
	exitOptions    = 2
	exitHangUp     = 16
	exitUnexpected = 21 // not pppd's
)

// exit is an exit code with its meaning, and the causes and errors that lead to it.
type exit struct {
	code    int
	meaning string
	causes  []session.Cause
	errs    []error
}

// exits are all exit codes, for exitCode and the manual page.
var exits = []exit{
	{exitOK, "online and in the background; or the subcommand succeeded", nil, nil},
	{exitFatal, "an error without a code of its own: see the message; or doctor found one; or no client matches a subcommand, or several do where it takes one", []session.Cause{session.CauseNetworkConfigFailed}, nil},
	{exitOptions, "an option is invalid: the message names file, line and what is valid", nil,
		[]error{tun.ErrName, afpacket.ErrSource, afpacket.ErrPriority, afpacket.ErrNoTag}},
	{3, "no permission: root, or CAP_NET_RAW and CAP_NET_ADMIN, is required", nil,
		[]error{tun.ErrPermission, afpacket.ErrPermission}},
	{4, "/dev/net/tun does not exist", nil, []error{tun.ErrNoDevice}}, // pppd: no PPP in the kernel
	{5, "ended by a signal, stop or hangup", []session.Cause{session.CauseUserRequest}, nil},
	{7, "the interface does not exist, is down, or is not Ethernet", nil,
		[]error{afpacket.ErrNoInterface, afpacket.ErrNotEthernet, afpacket.ErrDown}},
	{8, "no access concentrator answered, or all refused", nil, []error{pppoe.ErrDiscovery}},
	{10, "PPP negotiation with the peer failed", []session.Cause{session.CauseNotNegotiated}, nil},
	{11, "the peer did not authenticate itself", []session.Cause{session.CausePeerNotAuthenticated}, nil},
	{12, "idle timeout", []session.Cause{session.CauseIdle}, nil},
	{13, "session timeout", []session.Cause{session.CauseExpired}, nil},
	{15, "the peer did not answer LCP Echo-Requests", []session.Cause{session.CausePeerDead}, nil},
	{exitHangUp, "the peer ended the session, or the interface was lost", []session.Cause{session.CauseHangUp, session.CausePeerTerminated}, nil},
	{17, "the link is looped back", []session.Cause{session.CauseLooped}, nil},
	{19, "the peer rejected our name or password", []session.Cause{session.CauseNotAuthenticated}, nil},
	{20, "the traffic limit was reached", []session.Cause{session.CauseExhausted}, nil},
	{exitUnexpected, "`load`: a condition of --expect is not met", nil, nil},
}

// exitCode returns the exit code for an error: that of what this machine lacks, or else of what ended the
// session. One cause always has the same code, whatever the peer did after it.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if bad := (*pppd.Error)(nil); errors.As(err, &bad) {
		return exitOptions
	}
	end := (*pppoe.EndError)(nil)
	ended := errors.As(err, &end)
	if ended && end.Reason.Cause == session.CauseHangUp {
		return exitHangUp // in whatever way the loss of the interface was noticed
	}
	for _, e := range exits {
		if slices.ContainsFunc(e.errs, func(of error) bool { return errors.Is(err, of) }) {
			return e.code
		}
	}
	if ended {
		for _, e := range exits {
			if slices.Contains(e.causes, end.Reason.Cause) {
				return e.code
			}
		}
	}
	return exitFatal
}
