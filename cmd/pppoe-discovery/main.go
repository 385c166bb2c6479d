// Command pppoe-discovery lists the PPPoE access concentrators that answer on an
// Ethernet segment. Flags, output and exit codes are those of the program of that
// name which comes with pppd.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
)

func main() { os.Exit(run(os.Args[1:])) }

// Exit codes: 0 if any concentrator answered, 1 otherwise.
const (
	exitFound = 0
	exitNone  = 1
)

func run(args []string) int {
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, errHelp):
		return exitFound
	case err != nil:
		return fail(err)
	}
	port, err := afpacket.Open(afpacket.Line{Interface: f.iface}, pppoe.EtherTypeDiscovery)
	if err != nil {
		return fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	var show printer = plain{}
	if f.json {
		show = &document{}
	}
	if f.quiet {
		show = silent{}
	}
	found := 0
	err = pppoe.Probe(ctx, port, f.host(), func(o pppoe.Offer, after time.Duration) {
		found++
		show.offer(o, after)
	})
	show.end()
	switch {
	case err != nil:
		return fail(err)
	case found > 0:
		return exitFound
	}
	if !f.quiet {
		fmt.Fprintln(os.Stderr, "Timeout waiting for PADO packets")
	}
	return exitNone
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "pppoe-discovery: "+err.Error())
	return exitNone
}
