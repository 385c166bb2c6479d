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
	"runtime/pprof"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/load"
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
	if o.json {
		err = r.writeJSON(os.Stdout)
	} else {
		_, err = fmt.Print(r.text())
	}
	if err != nil {
		fail(1, err)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "load: "+err.Error())
	os.Exit(code)
}

// runAgainst runs the generator on an interface.
func runAgainst(ctx context.Context, o *options) (*report, error) {
	ports, err := o.OpenPorts(o.Interface)
	if err != nil {
		return nil, err
	}
	g, err := load.New(&o.Config, ports)
	if err != nil {
		ports.Close()
		return nil, err
	}
	r, err := o.run(ctx, g)
	return &report{Report: r}, err
}

// run runs the generator, with a profile if one is wanted.
func (o *options) run(ctx context.Context, g *load.Generator) (*load.Report, error) {
	if o.cpuProfile == "" {
		return g.Run(ctx)
	}
	f, err := os.Create(o.cpuProfile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	defer pprof.StopCPUProfile()
	return g.Run(ctx)
}
