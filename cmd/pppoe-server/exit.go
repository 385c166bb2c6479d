package main

import (
	"errors"
	"slices"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/pppoe/afpacket"
	"upppoe/tun"
)

// Exit codes. They are pppd's where it has one.
const (
	exitOK      = 0
	exitFatal   = 1
	exitOptions = 2
)

// exits are all exit codes with their meanings and errors, for exitCode and the manual page.
var exits = []struct {
	code    int
	meaning string
	errs    []error
}{
	{exitOK, "in the background; or ended by SIGTERM, SIGINT or SIGQUIT", nil},
	{exitFatal, "an error without a code of its own: see the message", nil},
	{exitOptions, "a flag, an option of the options file, or the configuration file is invalid: the message names it and what is valid", nil},
	{3, "no permission: root, or CAP_NET_RAW and CAP_NET_ADMIN, is required", []error{tun.ErrPermission, afpacket.ErrPermission}},
	{4, "/dev/net/tun does not exist", []error{tun.ErrNoDevice}},
	{7, "at the start, an interface does not exist, is down, or is not Ethernet; later the server waits for it, and serves the others",
		[]error{afpacket.ErrNoInterface, afpacket.ErrNotEthernet, afpacket.ErrDown}},
	{10, "of a command: no server is running, or not at --socket", []error{errNoServer}},
	{11, "of a command: several servers are running, and none is named by --socket", []error{errSeveralServers}},
	{12, "of a command: no session matches", []error{errNoSession}},
	{13, "of a command: several sessions match, and --all is not given", []error{errAmbiguous}},
}

// exitCode returns the exit code for an error.
func exitCode(err error) int {
	bad, problems := (*pppd.Error)(nil), serverconfig.Problems(nil)
	if errors.As(err, &bad) || errors.As(err, &problems) {
		return exitOptions
	}
	for _, e := range exits {
		if slices.ContainsFunc(e.errs, func(of error) bool { return errors.Is(err, of) }) {
			return e.code
		}
	}
	return exitFatal
}
