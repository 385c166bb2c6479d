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
	exitOK      = 0
	exitFatal   = 1
	exitOptions = 2
	exitHangUp  = 16
)

// exit is a code, what it means, and what ends with it.
type exit struct {
	code    int
	meaning string
	causes  []session.Cause
	errs    []error
}

// exits are all codes, for exitCode and the manual page.
var exits = []exit{
	{exitOK, "online, and gone to the background; or ended as it should", nil, nil},
	{exitFatal, "a fault that has no code of its own: the message tells", []session.Cause{session.NetworkConfigFailed}, nil},
	{exitOptions, "an option is wrong: the message names file, line and what to do", nil,
		[]error{tun.ErrName, afpacket.ErrSource, afpacket.ErrPriority, afpacket.ErrNoTag}},
	{3, "no permission: it takes root, or CAP_NET_RAW and CAP_NET_ADMIN", nil,
		[]error{tun.ErrPermission, afpacket.ErrPermission}},
	{4, "there is no /dev/net/tun", nil, []error{tun.ErrNoDevice}}, // pppd: no PPP in the kernel
	{5, "ended by SIGTERM, SIGINT or SIGQUIT", []session.Cause{session.UserRequest}, nil},
	{7, "the interface is not there, down, or not Ethernet", nil,
		[]error{afpacket.ErrNoInterface, afpacket.ErrNotEthernet, afpacket.ErrDown}},
	{8, "no concentrator answered, or all refused", nil, []error{pppoe.ErrDiscovery}},
	{10, "PPP could not agree with the peer", []session.Cause{session.NotNegotiated}, nil},
	{11, "the peer did not prove who it is", []session.Cause{session.PeerNotAuthenticated}, nil},
	{12, "the session was idle", []session.Cause{session.Idle}, nil},
	{13, "the session's time was over", []session.Cause{session.Expired}, nil},
	{15, "the peer gave no more sign of life", []session.Cause{session.PeerDead}, nil},
	{exitHangUp, "the peer hung up, or the interface went", []session.Cause{session.HangUp, session.PeerTerminated}, nil},
	{17, "the line leads back to ourselves", []session.Cause{session.Looped}, nil},
	{19, "our name or password was refused", []session.Cause{session.NotAuthenticated}, nil},
	{20, "the session's traffic was used up", []session.Cause{session.Exhausted}, nil},
}

// exitCode is why the client ended, as a number: what this machine lacks, or else
// what ended the session. One cause has one code, whatever the peer did after it.
func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if bad := (*pppd.Error)(nil); errors.As(err, &bad) {
		return exitOptions
	}
	end := (*pppoe.EndError)(nil)
	ended := errors.As(err, &end)
	if ended && end.Reason.Cause == session.HangUp {
		return exitHangUp // whether the kernel or the socket was the first to say that the interface has gone
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
