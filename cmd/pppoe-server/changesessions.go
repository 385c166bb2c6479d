package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
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
	var up, down kilobits
	var burst uint64
	var socket string
	set := commandFlags("update")
	addFilterFlags(set, &u.Filter)
	set.BoolVar(&u.All, "all", false, "all sessions that match, or without a filter all of the server; otherwise several are an error")
	set.Var(&up, "rate-up", "maximum `RATE` from the client in kbit/s, or like 20M; 0: no limit")
	set.Var(&down, "rate-down", "maximum `RATE` to the client in kbit/s, or like 100M; 0: no limit")
	set.Uint64Var(&burst, "burst", 0, "burst of the rates in `MS`, milliseconds")
	addSocketFlag(set, &socket)
	return change(set, args, &u.Filter, &socket, "update", "updated", func() (any, error) {
		for flag, to := range map[string]struct {
			field **uint64
			value *uint64
		}{"rate-up": {&u.RateUp, (*uint64)(&up)}, "rate-down": {&u.RateDown, (*uint64)(&down)}, "burst": {&u.Burst, &burst}} {
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

// kilobits is a rate in kbit/s, as a flag: a number, or a number of bits with a unit.
type kilobits uint64

func (k *kilobits) String() string { return strconv.FormatUint(uint64(*k), 10) }
func (k *kilobits) Type() string   { return "RATE" }

func (k *kilobits) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		if n, err = serverconfig.ParseRate(s); err != nil {
			return errors.New("give a rate in kbit/s like 20000, or like 20M")
		}
		n /= 1000
	}
	*k = kilobits(n)
	return nil
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
		err = &pppd.Error{Message: fmt.Sprintf("name a session by its ID, Acct-Session-Id, user, IP or Ethernet address, or give --all (see pppoe-server %s --help)", request)}
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
