package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// options are the demo's flags.
type options struct {
	keep       bool
	clients    int // besides pppoe-client
	web        bool
	screenshot string
	after      time.Duration
}

func addFlags(set *flag.FlagSet) *options {
	o := &options{}
	set.BoolVar(&o.keep, "keep", false, "leave the lab up, and say how to enter it")
	set.IntVar(&o.clients, "clients", 0, "dial with `N` clients more, on 20 VLANs; some hang up and dial again all the time")
	set.BoolVar(&o.web, "web", false, "show the server's page, with 200 clients unless --clients says another number, until interrupted")
	set.StringVar(&o.screenshot, "screenshot", "", "with --web: write a picture of the page to `FILE` (PNG) by Debian's chromium, and end")
	set.DurationVar(&o.after, "after", 2*time.Minute, "with --screenshot: the `TIME` that the page is open before")
	return o
}

// maxClients is what the addresses of the demo's pool suffice for.
const maxClients = 10_000

// webClients is the number of clients that the page shows by default.
const webClients = 200

func (o *options) check(args []string) error {
	switch {
	case len(args) > 0:
		return fmt.Errorf("unexpected argument %q: give flags, as in --help", args[0])
	case o.clients < 0 || o.clients > maxClients:
		return fmt.Errorf("--clients %d: give a number up to %d", o.clients, maxClients)
	case o.screenshot != "" && !o.web:
		return errors.New("--screenshot needs --web")
	case o.keep && (o.web || o.clients > 0):
		return errors.New("--keep is for the demo without --web and --clients: these keep it up until it is interrupted")
	}
	if o.web && o.clients == 0 {
		o.clients = webClients
	}
	return nil
}

// serverArgs returns the arguments of a server for many clients.
func (o *options) serverArgs() (args []string) {
	if o.clients > 0 {
		args = append(args, "--device", "shared", "--vlan", "untagged,100-119", "-R", "100.64.0.10", "-N", fmt.Sprint(o.clients+64), "--state", "none")
	}
	if o.web {
		args = append(args, "--web", pageAddress, "--web-control")
	}
	return args
}
