package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"upppoe/internal/capture/explain"
	"upppoe/internal/capture/explain/ladderpage"
	"upppoe/internal/capture/reader"
	"upppoe/internal/config/flagerror"
)

// explainCommand is the word that begins the command line of explain.
const explainCommand = "explain"

// explainFlags are the parsed values of explain's command line.
type explainFlags struct {
	file                         string
	json, packets, summary, help bool
	passwords                    bool
	html                         string
	maxSessions                  int
}

func explainFlagSet(f *explainFlags) *pflag.FlagSet {
	set := pflag.NewFlagSet("pppoe-discovery explain", pflag.ContinueOnError)
	set.SortFlags = false
	set.BoolVar(&f.json, "json", false, "print a JSON document")
	set.StringVar(&f.html, "html", "", "write a page for a browser to `FILE`, instead of printing text")
	set.BoolVarP(&f.packets, "verbose", "v", false, "print each packet in pppd's words too")
	set.BoolVar(&f.summary, "summary", false, "leave out the packets: print only what was agreed and what went wrong")
	set.BoolVar(&f.passwords, "show-passwords", false, "show PAP passwords")
	set.IntVar(&f.maxSessions, "max-sessions", 4096, "keep up to `N` sessions: beyond that, those without a problem make room for others")
	set.BoolVarP(&f.help, "help", "h", false, "print a summary of the options")
	set.Usage = func() {}
	return set
}

func parseExplainFlags(args []string, usageTo io.Writer) (*explainFlags, error) {
	f := &explainFlags{}
	set := explainFlagSet(f)
	switch err := set.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return nil, errHelp
	case err != nil:
		return nil, flagerror.Explain(err)
	case f.help:
		fmt.Fprint(usageTo, "Usage: pppoe-discovery explain [options] FILE\nOptions:\n", set.FlagUsagesWrapped(columns), explainNotes)
		return nil, errHelp
	case set.NArg() != 1:
		return nil, errors.New("explain takes one capture file, or - for standard input")
	case f.json && f.html != "":
		return nil, errors.New("--json and --html exclude each other")
	case f.maxSessions < 1 || f.maxSessions > 1_000_000:
		return nil, errors.New("--max-sessions takes a number from 1 to 1000000")
	}
	f.file = set.Arg(0)
	return f, nil
}

// explain explains a capture file.
func (p *program) explain(ctx context.Context, args []string) int {
	f, err := parseExplainFlags(args, p.stderr)
	switch {
	case errors.Is(err, errHelp):
		return exitFound
	case err != nil:
		return p.fail(err)
	}
	report, err := f.read(ctx)
	if err != nil {
		return p.fail(err)
	}
	signal.Ignore(unix.SIGPIPE)
	// A reader like head, which ends before all is read, has what it wants.
	if err := f.write(p.out, report); err != nil && !errors.Is(err, unix.EPIPE) {
		return p.fail(err)
	}
	switch {
	case report.PPPoE == 0:
		return exitNone
	case report.Failed():
		return exitUnexpected
	}
	return exitFound
}

// read reads and explains the file.
func (f *explainFlags) read(ctx context.Context) (*explain.Report, error) {
	file, name := os.Stdin, "standard input"
	if f.file != "-" {
		opened, err := os.Open(f.file)
		if err != nil {
			return nil, err
		}
		defer opened.Close()
		file, name = opened, f.file
	}
	capture, err := reader.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	options := explain.Options{ShowPasswords: f.passwords, MaxSessions: f.maxSessions, Vendor: vendor}
	report := explain.New(options).Read(capture, func() bool { return ctx.Err() != nil })
	report.File = explain.Printable(name)
	return report, nil
}

// write writes the report in the form that the flags say.
func (f *explainFlags) write(out io.Writer, r *explain.Report) error {
	var err error
	switch {
	case f.html != "":
		return f.writePage(r)
	case f.json:
		buffer := bufio.NewWriter(out)
		encoder := json.NewEncoder(escapingWriter{buffer})
		encoder.SetIndent("", "  ")
		err = errors.Join(encoder.Encode(r), buffer.Flush())
	default:
		err = r.WriteText(out, explain.TextOptions{Packets: f.packets, Summary: f.summary})
	}
	if err != nil {
		return fmt.Errorf("cannot write the results: %w", err)
	}
	return nil
}

// writePage writes the page to its file.
func (f *explainFlags) writePage(r *explain.Report) error {
	var b bytes.Buffer
	if err := ladderpage.Write(&b, r); err != nil {
		return fmt.Errorf("--html %s: %w", f.html, err)
	}
	mode := os.FileMode(0o666)
	if f.passwords {
		mode = 0o600
	}
	if err := os.WriteFile(f.html, b.Bytes(), mode); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	return nil
}

const explainNotes = `
  tcpdump -i eth0 -s 0 -w isp.pcap pppoed or pppoes or vlan     capture, then:
  pppoe-discovery explain isp.pcap

It reads pcap and pcapng, also compressed by gzip, of Ethernet or of tcpdump -i any, and
prints each PPPoE session: who took part, each packet in words, what both ends agreed on,
and the first thing that went wrong, with the section of the RFC and what to do.

Exit codes:
  0  no session went wrong
  1  the file cannot be read, or has no PPPoE packets
  3  at least one session went wrong
`
