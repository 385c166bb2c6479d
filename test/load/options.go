package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/load"
)

// options are the command line.
type options struct {
	load.Config
	json       bool
	cpuProfile string

	self       bool
	serverArgs []string
	options    []string // lines of the server's options file
	serverLog  string
	kill       time.Duration
	upgrade    time.Duration
	server     string
	radius     bool
}

const usage = `load dials PPPoE sessions from one process, and reports how it went.

  load --interface eth1 --sessions 2000 --hold 1m --churn 20
  load --self --sessions 5000 --server-args "--device shared"

The first form is pppoe-client load, which has more for people.

Flags:
`

func parseOptions(args []string) (*options, error) {
	o := &options{}
	f := o.flags()
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: see --help", f.Arg(0))
	}
	return o, o.check()
}

// flags returns the flags.
func (o *options) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("load", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() { fmt.Fprint(os.Stderr, usage+f.FlagUsagesWrapped(100)) }
	o.AddFlags(f)
	f.BoolVar(&o.json, "json", false, "write the report as JSON")
	f.StringVar(&o.cpuProfile, "cpu-profile", "", "write a CPU profile of the generator to `FILE`")
	f.BoolVar(&o.self, "self", false, "measure our own pppoe-server: both ends run in network namespaces of their own on this machine; needs root")
	f.StringArrayVar(&o.serverArgs, "server-args", nil, "with --self: further `ARGUMENTS` of pppoe-server, separated by spaces; may be repeated")
	f.StringArrayVar(&o.options, "server-option", nil, "with --self: a further `LINE` of pppoe-server's options file; may be repeated")
	f.StringVar(&o.server, "server", "", "with --self: the pppoe-server to measure, a `FILE` (default: built from the module of the working directory)")
	f.BoolVar(&o.radius, "radius", false, "with --self: clients log in by FreeRADIUS, which also does accounting; the server has a shared device, and no --server-args")
	f.DurationVar(&o.kill, "kill", 0, "with --self: this long after the begin of --hold, kill the server with SIGKILL and start it again; it adopts the sessions from its store")
	f.DurationVar(&o.upgrade, "upgrade", 0, "with --self: this long after the begin of --hold, replace the server by a successor (SIGUSR2)")
	f.StringVar(&o.serverLog, "server-log", "", "with --self: keep the server's log in `FILE`")
	return f
}

func (o *options) check() (err error) {
	switch {
	case !o.self && o.Interface == "":
		return errors.New("--interface is missing: give one, or --self")
	case o.self && o.Interface != "":
		return errors.New("--self makes its own interface: omit --interface")
	case !o.mayRestart(o.kill) || !o.mayRestart(o.upgrade) || o.kill > 0 && o.upgrade > 0:
		return errors.New("--kill and --upgrade need --self, not --radius, and a longer --hold; give one of them")
	}
	if o.self {
		o.Interface = clientEnd
	}
	return o.Check()
}

// mayRestart reports whether the server can be restarted at a time of the hold; 0: it is not.
func (o *options) mayRestart(at time.Duration) bool {
	return at == 0 || at > 0 && o.self && !o.radius && at <= o.Hold
}
