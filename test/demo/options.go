package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os/exec"
	"time"

	"upppoe/pppoe/vlan"
)

// options are the demo's flags.
type options struct {
	keep       bool
	vlan       string // of the client
	relay      bool
	clients    int // besides pppoe-client
	web        bool
	screenshot string
	after      time.Duration
}

func addFlags(set *flag.FlagSet) *options {
	o := &options{}
	set.BoolVar(&o.keep, "keep", false, "leave the lab up, and say how to enter it; with --clients until interrupted")
	set.StringVar(&o.vlan, "vlan", "", "tag the frames of the session with a `VLAN`: 50, or 50.100 for two tags")
	set.BoolVar(&o.relay, "relay", false, "put rp-pppoe's relay agent between client and server (Debian: apt install pppoe)")
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
	case o.keep && o.web:
		return errors.New("--keep is for the demo without --web, which keeps it up until it is interrupted")
	case o.relay && (o.vlan != "" || o.web || o.clients > 0):
		return errors.New("--relay is for a single client without a tag: pppoe-relay forwards no tagged frames")
	}
	if o.relay {
		if _, err := exec.LookPath(relayProgram); err != nil {
			return fmt.Errorf("--relay: %w: apt install pppoe", err)
		}
	}
	if err := o.checkVLAN(); err != nil {
		return err
	}
	if o.web && o.clients == 0 {
		o.clients = webClients
	}
	return nil
}

// checkVLAN checks that --vlan is one VLAN.
func (o *options) checkVLAN() error {
	if o.vlan == "" {
		return nil
	}
	all, err := vlan.ParseList(o.vlan)
	if err == nil && len(all) != 1 {
		err = errors.New("give one, like 50 or 50.100")
	}
	if err != nil {
		return fmt.Errorf("--vlan %s: %w", o.vlan, err)
	}
	return nil
}

// clientArgs returns further options of the client.
func (o *options) clientArgs() []string {
	if o.vlan == "" {
		return nil
	}
	return []string{"vlan", o.vlan}
}

// crowdVLANs are the VLANs of the clients of --clients.
const crowdVLANs = "100-119"

// serverArgs returns further arguments of the server.
func (o *options) serverArgs() (args []string) {
	vlans := cmp.Or(o.vlan, "untagged")
	if o.clients > 0 {
		vlans += "," + crowdVLANs
		args = append(args, "--device", "shared", "-R", "100.64.0.10", "-N", fmt.Sprint(o.clients+64), "--state", "none")
	}
	args = append(args, "--vlan", vlans)
	if o.web {
		args = append(args, "--web", pageAddress, "--web-control")
	}
	return args
}
