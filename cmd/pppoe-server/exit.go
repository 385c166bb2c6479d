package main

import (
	"errors"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/pppoe/afpacket"
	"upppoe/tun"
)

// Exit codes, which are pppd's where it has one for the same thing.
const (
	exitOK      = 0
	exitFatal   = 1
	exitOptions = 2
)

// exits are all codes, what they mean, and the errors that end with them: for exitCode
// and the manual page.
var exits = []struct {
	code    int
	meaning string
	errs    []error
}{
	{exitOK, "in the background; or ended by SIGTERM, SIGINT or SIGQUIT", nil},
	{exitFatal, "a fault that has no code of its own: the message tells", nil},
	{exitOptions, "a flag, or an option of the options file, is wrong: the message tells which, and what to do", nil},
	{3, "no permission: it takes root, or CAP_NET_RAW and CAP_NET_ADMIN", []error{tun.ErrPermission, afpacket.ErrPermission}},
	{4, "there is no /dev/net/tun", []error{tun.ErrNoDevice}},
	{7, "when the server starts, an interface is not there, down, or not Ethernet; later it is waited for, and the others are served",
		[]error{afpacket.ErrNoInterface, afpacket.ErrNotEthernet, afpacket.ErrDown}},
}

// exitCode is why the server does not run, as a number.
func exitCode(err error) int {
	if bad := (*pppd.Error)(nil); errors.As(err, &bad) {
		return exitOptions
	}
	for _, e := range exits {
		if slices.ContainsFunc(e.errs, func(of error) bool { return errors.Is(err, of) }) {
			return e.code
		}
	}
	return exitFatal
}
