// Command load is a load generator for PPPoE concentrators: it dials thousands of sessions from one
// process, keeps them open, ends and redials some, sends packets through them, and reports set-ups
// per second, the percentiles of each phase, failures, and what was lost.
//
//	go run ./test/load --self                          # against our own server, as root
//	go run ./test/load --interface eth1 --sessions 2000  # against any concentrator
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"
)

func main() {
	o, err := parseOptions(os.Args[1:])
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return
	case err != nil:
		fail(2, err)
	}
	// A second signal ends the program at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	context.AfterFunc(ctx, stop)
	run := runAgainst
	if o.self {
		run = runSelf
	}
	r, err := run(ctx, o)
	if err != nil {
		fail(1, err)
	}
	if err := r.write(os.Stdout, o.json); err != nil {
		fail(1, err)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "load: "+err.Error())
	os.Exit(code)
}

// runAgainst runs the generator on an interface.
func runAgainst(ctx context.Context, o *options) (*report, error) {
	ports, flood, err := o.openPorts(o.iface)
	if err != nil {
		return nil, err
	}
	g, err := newGenerator(o, ports, flood)
	if err != nil {
		ports.Close()
		return nil, err
	}
	return g.run(ctx)
}
