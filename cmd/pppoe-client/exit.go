package main

import (
	"errors"

	"upppoe/internal/pppd"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/tun"
)

// Exit codes, which are pppd's (pppd(8), EXIT STATUS).
const (
	exitOK          = 0
	exitFatal       = 1
	exitOptions     = 2
	exitPermission  = 3
	exitNoDevice    = 4 // pppd: the kernel has no PPP; here: it has no TUN
	exitUserRequest = 5
	exitOpen        = 7 // the interface cannot be opened
	exitConnect     = 8 // discovery failed
	exitNegotiation = 10
	exitPeerAuth    = 11
	exitIdle        = 12
	exitExpired     = 13
	exitPeerDead    = 15
	exitHangUp      = 16
	exitLoopback    = 17
	exitAuthToPeer  = 19
)

var byCause = map[session.Cause]int{
	session.UserRequest:          exitUserRequest,
	session.HangUp:               exitHangUp,
	session.PeerTerminated:       exitHangUp,
	session.PeerDead:             exitPeerDead,
	session.Looped:               exitLoopback,
	session.NotNegotiated:        exitNegotiation,
	session.NotAuthenticated:     exitAuthToPeer,
	session.PeerNotAuthenticated: exitPeerAuth,
	session.Idle:                 exitIdle,
	session.Expired:              exitExpired,
	session.HostRefused:          exitFatal,
}

var byError = []struct {
	err  error
	code int
}{
	{tun.ErrPermission, exitPermission}, {afpacket.ErrPermission, exitPermission},
	{tun.ErrNoDevice, exitNoDevice},
	{afpacket.ErrNoInterface, exitOpen}, {afpacket.ErrNotEthernet, exitOpen}, {afpacket.ErrDown, exitOpen},
	{pppoe.ErrDiscovery, exitConnect},
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
	for _, e := range byError {
		if errors.Is(err, e.err) {
			return e.code
		}
	}
	if end := (*pppoe.EndError)(nil); errors.As(err, &end) {
		if code, ok := byCause[end.Reason.Cause]; ok {
			return code
		}
	}
	return exitFatal
}
