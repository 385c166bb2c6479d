package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/advice"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/ifname"
	"upppoe/internal/load"
	"upppoe/internal/log/terminal"
	"upppoe/internal/process/capability"
)

// loadFlags are the command line of the subcommand load.
type loadFlags struct {
	load.Config
	expect   string
	json     bool
	quiet    bool
	sessions string // a file

	expectations []load.Expectation
}

// everySession is what is expected if the command line does not say.
const everySession = "established=100%"

// loadFlagSet returns the flags of load.
func loadFlagSet(f *loadFlags) *pflag.FlagSet {
	set := pflag.NewFlagSet("pppoe-client load", pflag.ContinueOnError)
	set.SortFlags = false
	set.SetOutput(io.Discard) // errors are printed with all others
	set.Usage = func() {}
	f.AddFlags(set)
	set.StringVar(&f.expect, "expect", everySession, "exit with code 21 unless all `CONDITIONS` are met, like 'established=100%,setup.p99<1s'")
	set.BoolVar(&f.json, "json", false, "print the report as JSON")
	set.StringVar(&f.sessions, "per-session", "", "write one JSON object for each session to `FILE`: addresses, delegated prefix, packets lost, round-trip times")
	set.BoolVarP(&f.quiet, "quiet", "q", false, "print no progress")
	return set
}

// generateLoad is the subcommand load.
func generateLoad(args []string) int {
	if err := capability.SetNotDumpable(); err != nil {
		return fail(err)
	}
	f := &loadFlags{}
	set := loadFlagSet(f)
	switch err := f.parse(set, args); {
	case errors.Is(err, pflag.ErrHelp):
		writeLoadHelp(os.Stdout, set)
		return exitOK
	case err != nil:
		return fail(&pppd.Error{Message: "load: " + err.Error()})
	}
	r, err := f.run()
	if r != nil {
		err = errors.Join(err, f.write(r))
	}
	if err != nil {
		return fail(err)
	}
	return f.judge(r)
}

func (f *loadFlags) parse(set *pflag.FlagSet, args []string) (err error) {
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: see pppoe-client load --help", set.Arg(0))
	}
	f.Interface, _ = ifname.KernelName(f.Interface)
	if f.expectations, err = load.ParseExpectations(f.expect); err != nil {
		return err
	}
	return f.Check()
}

// run runs the generator. The first signal begins the close of all sessions, the second ends the program.
func (f *loadFlags) run() (*load.Report, error) {
	ports, err := f.OpenPorts(f.Interface)
	if err != nil {
		return nil, advice.ExplainInterface(f.Interface, err)
	}
	g, err := load.New(&f.Config, ports)
	if err != nil {
		ports.Close()
		return nil, err
	}
	g.KeepSessions = f.sessions != ""
	if !f.quiet {
		p := newProgressLine(os.Stderr)
		defer p.end()
		g.OnProgress = p.show
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	context.AfterFunc(ctx, stop)
	return g.Run(ctx)
}

// write writes the report, and that of all sessions.
func (f *loadFlags) write(r *load.Report) (err error) {
	if f.json {
		err = r.WriteJSON(os.Stdout)
	} else {
		_, err = fmt.Print(r.Text())
	}
	if err != nil || f.sessions == "" {
		return err
	}
	file, err := os.Create(f.sessions)
	if err != nil {
		return err
	}
	return errors.Join(r.WriteSessions(file), file.Close())
}

// judge prints the conditions that are not met, and returns the exit code.
func (f *loadFlags) judge(r *load.Report) int {
	code := exitOK
	for _, e := range f.expectations {
		if failed := e.Check(r); failed != "" {
			fmt.Fprintln(os.Stderr, "pppoe-client: expected "+failed)
			code = exitUnexpected
		}
	}
	return code
}

// progressLine shows the progress: on a terminal in one line, elsewhere in a line every ten seconds and
// whenever a stage begins after the first.
type progressLine struct {
	out      io.Writer
	terminal bool
	stage    load.Stage
	next     time.Duration
}

// progressPeriod is the time between two lines where there is no terminal.
const progressPeriod = 10 * time.Second

func newProgressLine(out *os.File) *progressLine {
	return &progressLine{out: out, terminal: terminal.Is(out), next: progressPeriod}
}

// show shows the progress. A terminal that cannot be written to is no reason to end.
func (p *progressLine) show(now load.Progress) {
	switch {
	case p.terminal:
		fmt.Fprintf(p.out, "\r%s\x1b[K", now)
	case now.Elapsed >= p.next, now.Stage != p.stage:
		p.stage, p.next = now.Stage, now.Elapsed.Truncate(progressPeriod)+progressPeriod
		fmt.Fprintln(p.out, now)
	}
}

// end removes the line from a terminal.
func (p *progressLine) end() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func writeLoadHelp(w io.Writer, set *pflag.FlagSet) {
	const columns = 100
	fmt.Fprint(w, strings.TrimLeft(loadUsage, "\n"), set.FlagUsagesWrapped(columns), "\nConditions of --expect, separated by commas, with <, <=, =, >= or >:\n")
	for _, line := range load.ExpectationNames() {
		fmt.Fprintf(w, "  %-28s %s\n", line[0], line[1])
	}
}

const loadUsage = `
pppoe-client load dials thousands of sessions from one process, to test an access concentrator.

  pppoe-client load -I eth0 --sessions 1000 --rate 200 --user 'user%d'
  pppoe-client load -I eth0 -n 1000 --vlan 100-199 --hold 1m --churn 2% --traffic 10000,200
  pppoe-client load -I eth0 -n 100 --prefix --expect 'established=100%,prefixes=100%,setup.p99<1s'

Clients have Ethernet addresses of their own, on one interface: use one that is connected to the
concentrator alone. It needs root, or CAP_NET_RAW. The first Ctrl-C closes all sessions.

Flags:
`
