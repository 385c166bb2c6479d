// Command pppoe-discovery lists the PPPoE access concentrators that answer on an Ethernet segment. Its
// flags, output and exit codes are those of pppd's program of that name; in addition it searches VLANs,
// monitors a segment, and reports unexpected concentrators.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/advice"
	"upppoe/internal/capture"
	"upppoe/internal/config/completion"
	"upppoe/internal/host/linkmonitor"
	"upppoe/internal/log/terminal"
	"upppoe/internal/process/daemonize"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

func main() {
	daemonize.CatchWriteSignals()
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM, unix.SIGQUIT)
	defer stop()
	// A reader that does not read the output must not keep the program from ending.
	context.AfterFunc(ctx, func() { time.AfterFunc(exitTimeout, func() { os.Exit(exitNone) }) })
	p := &program{out: os.Stdout, stderr: os.Stderr, open: open, obstacle: linkmonitor.Diagnose, terminal: terminal.Is(os.Stderr)}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// exitTimeout is the time in which the program ends after a signal.
const exitTimeout = 2 * time.Second

// Exit codes. pppd's program has 0 if any concentrator answered, and 1 otherwise.
const (
	exitFound      = 0
	exitNone       = 1
	exitUnexpected = 3
)

// program has the command's dependencies.
type program struct {
	out, stderr io.Writer
	open        func(*flags) (datapath.Port, error)
	obstacle    func(iface string) string // what prevents answers; empty: nothing known
	terminal    bool                      // stderr is a terminal: progress is printed there
	capture     *capture.Capture          // nil: there is none
}

// open opens the port. A trunk port, whose frames include VLAN tags, receives all frames of the
// interface, so it is used for --vlan only.
func open(f *flags) (datapath.Port, error) {
	openPort := afpacket.Open
	if len(f.vlans) > 0 {
		openPort = afpacket.OpenTrunk
	}
	port, err := openPort(f.attachment(), wire.EtherTypeDiscovery)
	if err != nil {
		return nil, advice.ExplainInterface(f.iface, err)
	}
	return port, nil
}

func (p *program) run(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == completion.Request {
		return p.complete(args[1:])
	}
	if len(args) > 0 && args[0] == explainCommand {
		return p.explain(ctx, args[1:])
	}
	f, err := parseFlags(args, p.out, p.stderr)
	switch {
	case errors.Is(err, errHelp):
		return exitFound
	case err != nil:
		return p.fail(err)
	}
	port, err := p.open(f)
	if err != nil {
		return p.fail(f.explain(err))
	}
	captured, err := p.openCapture(f, port)
	if err != nil {
		port.Close()
		return p.fail(err)
	}
	defer p.capture.Close()
	port = captured
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	output := &checkedWriter{to: p.out, failed: stop}
	p.out = output
	code := 0
	if f.watch {
		code = p.watch(ctx, f, port)
	} else {
		code = p.list(ctx, f, port)
	}
	if output.err != nil && code == exitFound {
		return p.fail(fmt.Errorf("cannot write the results: %w", output.err))
	}
	return code
}

// checkedWriter keeps the first write error: missing output must not look like missing concentrators.
type checkedWriter struct {
	to     io.Writer
	err    error
	failed func() // called at the first error: the output has no reader
}

func (o *checkedWriter) Write(b []byte) (n int, err error) {
	if n, err = o.to.Write(b); err != nil && o.err == nil {
		o.err = err
		o.failed()
	}
	return n, err
}

// list asks once, and prints who answers.
func (p *program) list(ctx context.Context, f *flags, port datapath.Port) int {
	show := p.printer(f)
	var offers []discovery.Offer
	code := exitNone
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	p.announce(f)
	found := func(s pppoe.ScanResult) {
		if ctx.Err() != nil {
			return // after the first answer
		}
		a := answer{ScanResult: s, scanned: len(f.vlans) > 0, unexpected: f.expect.unexpected(s.Offer)}
		show.answer(a)
		p.comment(a)
		if !a.refused() {
			offers = append(offers, s.Offer)
		}
		if a.unexpected {
			code = exitUnexpected
		}
		if f.endsAtFirst() && !a.refused() {
			enough()
		}
	}
	unmatched, err := p.ask(ctx, f, port, found)
	show.end()
	missing := f.expect.missing(offers)
	switch {
	case err != nil:
		return p.fail(err)
	case code == exitUnexpected:
		p.say(f, "Unexpected access concentrators answered")
	case len(offers) == 0:
		p.say(f, "Timeout waiting for PADO packets")
		for _, line := range f.advice(unmatched, p.obstacle(f.iface)) {
			p.say(f, line)
		}
	case len(missing) > 0:
		p.say(f, "No answer from "+missing.String())
	default:
		code = exitFound
	}
	return code
}

// announce prints to a terminal what the program waits for, and how long. Scripts may take any output on
// standard error for a failure.
func (p *program) announce(f *flags) {
	if !p.terminal || f.quiet {
		return
	}
	until := "listening for all answers"
	if f.first {
		until = "waiting for the first answer"
	}
	if f.scans() {
		p.say(f, fmt.Sprintf("Asking on %s, %s", f.iface, until))
		return
	}
	p.say(f, fmt.Sprintf("Asking on %s, %s: %v, up to %v without an answer (--first ends with the first answer)",
		f.iface, until, f.timeout, f.timeout*time.Duration(f.attempts)))
}

// ask asks on VLANs, or like pppd's program.
func (p *program) ask(ctx context.Context, f *flags, port datapath.Port, found func(pppoe.ScanResult)) ([]discovery.Unmatched, error) {
	if f.scans() {
		return nil, pppoe.Scan(ctx, port, f.scan(), found)
	}
	return pppoe.Probe(ctx, port, f.discovery(), func(o discovery.Offer, after time.Duration) {
		found(pppoe.ScanResult{Offer: o, Latency: after})
	})
}

func (p *program) say(f *flags, text string) {
	p.capture.Comment(text)
	if !f.quiet {
		fmt.Fprintln(p.stderr, text)
	}
}

func (p *program) fail(err error) int {
	fmt.Fprintln(p.stderr, "pppoe-discovery: "+err.Error())
	return exitNone
}
