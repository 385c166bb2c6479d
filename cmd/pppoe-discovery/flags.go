package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/config/flagerror"
	"upppoe/internal/config/manpage"
	"upppoe/internal/host/ifname"
	"upppoe/internal/version"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// flags are the command line's.
type flags struct {
	iface    string
	service  string
	acName   string
	hostUniq []byte
	timeout  time.Duration
	attempts int
	quiet    bool
	json     bool
	verbose  bool
	first    bool
	named    bool // -I was given

	vlans    []vlan.Stack
	source   wire.Addr
	priority uint8
	rate     int

	watch    bool
	interval time.Duration
	missed   int
	expect   expectation
	alarm    bool
}

// errHelp says that usage was wanted, and was printed.
var errHelp = errors.New("help")

// columns are those of the usage.
const columns = 92

// rawFlags are flags as they are written, before they are understood.
type rawFlags struct {
	uniq, vlan, source string
	pid, version, help bool
	seconds, interval  int
	expect             []string
}

func parseFlags(args []string, manualTo, usageTo io.Writer) (*flags, error) {
	f, w := &flags{}, &rawFlags{}
	set := flagSet(f, w)
	manpage.AddFlag(set, manualTo, func() *manpage.Page { return page(set) })
	switch err := set.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return nil, errHelp
	case err != nil:
		return nil, flagerror.Explain(err)
	case w.version, len(args) == 1 && args[0] == "-v":
		fmt.Fprintln(manualTo, version.Line("pppoe-discovery"))
		return nil, errHelp
	case w.help:
		writeUsage(usageTo, set)
		return nil, errHelp
	case set.NArg() > 0:
		return nil, fmt.Errorf("%q: not a flag; the interface is named with -I", set.Arg(0))
	}
	if err := f.parse(w, set); err != nil {
		return nil, err
	}
	return f, f.check()
}

func flagSet(f *flags, w *rawFlags) *pflag.FlagSet {
	set := pflag.NewFlagSet("pppoe-discovery", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringVarP(&f.iface, "interface", "I", defaultInterface, "Ethernet `INTERFACE` to ask on")
	set.StringVarP(&f.service, "service", "S", "", "Service-`NAME` wanted (default: any)")
	set.StringVarP(&f.acName, "ac-name", "C", "", "only the access concentrator of this `NAME`")
	set.IntVarP(&w.seconds, "timeout", "t", 0, "`SECONDS` to wait for answers, each time (default: 5; 2 with --vlan or --watch)")
	set.IntVarP(&f.attempts, "attempts", "a", 0, "ask `N` times while nobody answers (default: 3; 2 with --vlan or --watch)")
	set.BoolVarP(&w.pid, "host-uniq-pid", "U", false, "send a Host-Uniq tag: the process ID")
	set.StringVarP(&w.uniq, "host-uniq", "W", "", "send a Host-Uniq tag: these octets, in `HEX`; with --vlan or --watch, four more follow them")
	set.BoolVarP(&f.quiet, "quiet", "Q", false, "print nothing, and end with the first answer: the exit code tells")
	set.BoolVar(&f.first, "first", false, "end with the first answer; else it listens for the whole timeout, to list all")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "print all tags decoded, the vendor of the address, and the latency; -v alone prints the version")
	set.BoolVar(&f.json, "json", false, "print a JSON document; with --watch, a line for each event")
	set.StringVar(&w.vlan, "vlan", "", "search the VLANs of a `LIST` like 50,100-200 or, for two tags, 50.1-4094; see below")
	set.IntVar(&f.rate, "rate", 2000, "send `N` PADIs in a second, with --vlan or --watch")
	set.Uint8Var(&f.priority, "priority", 0, "priority (`PCP`) of our frames, 0 to 7; needs --vlan")
	set.StringVar(&w.source, "source", "", "Ethernet `ADDRESS` to ask from (default: the interface's)")
	set.BoolVar(&f.watch, "watch", false, "ask again and again, and tell who comes, goes and changes")
	set.IntVar(&w.interval, "interval", 30, "with --watch: `SECONDS` from one asking to the next")
	set.IntVar(&f.missed, "missed", 3, "with --watch: a concentrator is gone when it has not answered `N` times in a row")
	set.StringArrayVar(&w.expect, "expect", nil, "`ADDRESS-or-NAME` of a concentrator that belongs here; can be repeated. Any other one is reported as unexpected")
	set.BoolVar(&f.alarm, "alarm", false, "with --watch and --expect: end at the first unexpected one")
	set.BoolVarP(&w.help, "help", "h", false, "print this")
	set.BoolVarP(&w.version, "version", "V", false, "print the version")
	set.StringP("debug", "D", "", "ignored, with its `FILE`: there is no debug log")
	set.Usage = func() {}
	return set
}

// parse reads what is more than a number or a word.
func (f *flags) parse(w *rawFlags, set *pflag.FlagSet) (err error) {
	if set.Changed("vlan") {
		if f.vlans, err = vlan.ParseList(w.vlan); err != nil {
			return fmt.Errorf("--vlan: %w", err)
		}
	}
	seconds, attempts := 5, 3 // pppd's
	if f.scans() {
		seconds, attempts = 2, 2
	}
	if !set.Changed("timeout") {
		w.seconds = seconds
	}
	if !set.Changed("attempts") {
		f.attempts = attempts
	}
	f.timeout, f.interval = time.Duration(w.seconds)*time.Second, time.Duration(w.interval)*time.Second
	if w.source != "" {
		if f.source, err = wire.ParseAddr(w.source); err != nil {
			return fmt.Errorf("--source %w", err)
		}
	}
	if f.expect, err = parseExpectation(w.expect); err != nil {
		return err
	}
	f.named = set.Changed("interface")
	if w.pid && w.uniq != "" {
		return errors.New("-U and -W exclude each other")
	}
	return f.setHostUniq(w.pid, w.uniq)
}

// maxTime bounds what is waited for: a day.
const maxTime = 24 * time.Hour

// maxTagOctets is what tags may hold of ours, in octets: of the 1484 of a PADI (RFC 2516 section 5.1)
// some are the tags' own, and those that are added to -W.
const maxTagOctets = 1400

func (f *flags) check() error {
	switch {
	case f.iface == "":
		return errors.New("interface was not specified: name one with -I")
	case f.first && f.watch:
		return errors.New("--first ends with the first answer, and --watch never ends: leave out one of them")
	case f.timeout <= 0 || f.timeout > maxTime, f.attempts < 1 || f.attempts > 1000:
		return errors.New("-t takes 1 to 86400 seconds, and -a a number from 1 to 1000")
	case len(f.service) > discovery.MaxService:
		return fmt.Errorf("-S takes a name of at most %d octets, or no PADI could hold it", discovery.MaxService)
	case len(f.service)+len(f.hostUniq) > maxTagOctets:
		return fmt.Errorf("-S and -W take at most %d octets together, or no PADI could hold them", maxTagOctets)
	case f.interval <= 0 || f.interval > maxTime:
		return errors.New("--interval takes 1 to 86400 seconds")
	case f.missed < 1:
		return errors.New("--missed takes a number above 0")
	case f.rate < 1 || f.rate > 1_000_000:
		return errors.New("--rate takes a number from 1 to 1000000")
	case f.priority > 7:
		return errors.New("--priority takes a number from 0 to 7")
	case f.priority > 0 && len(f.vlans) == 0:
		return errors.New("--priority needs a VLAN tag to stand in: --vlan 0 is one for frames of no VLAN")
	case f.alarm && (!f.watch || len(f.expect) == 0):
		return errors.New("--alarm needs --watch, and says of whom by --expect")
	}
	return nil
}

// defaultInterface is asked on without -I, as the original does.
const defaultInterface = "eth0"

// scans reports whether there is more to do than ask once on the interface itself.
func (f *flags) scans() bool { return len(f.vlans) > 0 || f.watch }

// setHostUniq sets the Host-Uniq; the process ID stands in it as pppoe-discovery has it. Without a
// flag there is none, as in the original's frames, unless answers must be told apart.
func (f *flags) setHostUniq(pid bool, uniq string) (err error) {
	if !f.scans() {
		f.hostUniq = []byte{}
	}
	if pid {
		f.hostUniq = binary.NativeEndian.AppendUint32(nil, uint32(os.Getpid()))
	}
	if uniq != "" {
		if f.hostUniq, err = hex.DecodeString(uniq); err != nil {
			return fmt.Errorf("-W %q: give hexadecimal digits, two an octet", uniq)
		}
	}
	return nil
}

func (f *flags) discovery() discovery.ClientConfig {
	return discovery.ClientConfig{
		Service: f.service, ACNames: f.acNames(), HostUniq: f.hostUniq,
		Timeout: f.timeout, Attempts: f.attempts, Probe: true,
	}
}

// acNames are the names wanted; none: any.
func (f *flags) acNames() []string {
	if f.acName == "" {
		return nil
	}
	return []string{f.acName}
}

func (f *flags) scan() pppoe.ScanConfig {
	c := pppoe.ScanConfig{Client: f.discovery(), VLANs: f.vlans, Priority: f.priority, Rate: f.rate}
	if f.watch {
		c.Interval = f.interval
	}
	return c
}

// explain adds to an error what the user of no -I may not know.
func (f *flags) explain(err error) error {
	if f.named || !errors.Is(err, afpacket.ErrNoInterface) {
		return err
	}
	return fmt.Errorf("%w. Without -I, %s is asked on: name another one with -I", err, defaultInterface)
}

func (f *flags) attachment() afpacket.Attachment {
	name, _ := ifname.KernelName(f.iface)
	return afpacket.Attachment{Interface: name, Source: f.source}
}
