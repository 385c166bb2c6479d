package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/servercontrol"
)

// disconnectSessions is the subcommand disconnect.
func disconnectSessions(args []string) int {
	var d servercontrol.Disconnect
	var soft bool
	var socket string
	set := commandFlags("disconnect")
	addFilterFlags(set, &d.Filter)
	set.BoolVar(&d.All, "all", false, "all sessions that match, or without a filter all of the server; otherwise several are an error")
	set.BoolVar(&soft, "soft", false, "send an LCP Terminate-Request, and a PADT after the answer (default)")
	set.BoolVar(&d.Hard, "hard", false, "send a PADT at once")
	set.StringVar(&d.Reason, "reason", "", "`TEXT` that the client is told (default: disconnected by the operator)")
	addSocketFlag(set, &socket)
	return change(set, args, &d.Filter, &socket, "disconnect", "disconnected", func() (any, error) {
		if soft && d.Hard {
			return nil, &pppd.Error{Message: "--soft and --hard exclude each other"}
		}
		return d, nil
	})
}

// updateSessions is the subcommand update.
func updateSessions(args []string) int {
	var u servercontrol.Update
	var up, down, burst uint64
	var socket string
	set := commandFlags("update")
	addFilterFlags(set, &u.Filter)
	set.BoolVar(&u.All, "all", false, "all sessions that match, or without a filter all of the server; otherwise several are an error")
	set.Uint64Var(&up, "rate-up", 0, "maximum rate from the client in `KBIT`/s; 0: no limit")
	set.Uint64Var(&down, "rate-down", 0, "maximum rate to the client in `KBIT`/s; 0: no limit")
	set.Uint64Var(&burst, "burst", 0, "burst of the rates in `MS`, milliseconds")
	addSocketFlag(set, &socket)
	return change(set, args, &u.Filter, &socket, "update", "updated", func() (any, error) {
		for flag, to := range map[string]struct {
			field **uint64
			value *uint64
		}{"rate-up": {&u.RateUp, &up}, "rate-down": {&u.RateDown, &down}, "burst": {&u.Burst, &burst}} {
			if set.Changed(flag) {
				*to.field = to.value
			}
		}
		if u.RateUp == nil && u.RateDown == nil && u.Burst == nil {
			return nil, &pppd.Error{Message: "give --rate-up, --rate-down or --burst (see pppoe-server update --help)"}
		}
		return u, nil
	})
}

// change parses a command that changes sessions, sends its request, and prints how many it has changed.
// arguments is called when the flags are parsed.
func change(set *pflag.FlagSet, args []string, f *servercontrol.Filter, socket *string, request, done string, arguments func() (any, error)) int {
	code, ok := parseCommand(set, args)
	if !ok {
		return code
	}
	err := addNamed(f, set.Args())
	if err == nil && f.IsEmpty() && !set.Changed("all") {
		err = &pppd.Error{Message: fmt.Sprintf("name a session by its ID, user, IP or Ethernet address, or give --all (see pppoe-server %s --help)", request)}
	}
	var with any
	if err == nil {
		with, err = arguments()
	}
	if err == nil {
		*socket, err = findSocket(*socket)
	}
	if err != nil {
		return fail(err)
	}
	result, err := ask(*socket, request, with, func([]byte) error { return errors.New("unexpected row") })
	if err == nil {
		fmt.Printf("%s %d %s\n", done, result.Count, plural(result.Count, "session"))
	}
	return commandExit(err)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
