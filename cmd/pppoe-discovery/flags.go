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

	"upppoe/internal/capture/pcapngwriter"
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

// flags are the parsed values of the command line's flags.
type flags struct {
	iface    string
	service  string
	acName   string
	hostUniq []byte
	timeout  time.Duration
	attempts int
	// attemptsGiven: by -a.
	attemptsGiven bool
	quiet         bool
	json          bool
	verbose       bool
	first         bool
	named         bool // -I is given

	vlans    []vlan.Stack
	source   wire.Addr
	priority uint8
	rate     int

	watch    bool
	interval time.Duration
	missed   int
	expect   expectation
	alarm    bool
	pcap     pcapngwriter.Config // Path empty: no capture
}

// errHelp means that help, version or manual page were printed.
var errHelp = errors.New("help")

// columns is the width of the usage.
const columns = 92

// rawFlags are values of flags before they are parsed.
type rawFlags struct {
	uniq, vlan, source string
	pid, version, help bool
	seconds, interval  int
	pcapSize           int // in megabytes
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
		return nil, fmt.Errorf("unexpected argument %q: the interface is given with -I", set.Arg(0))
	}
	if err := f.parse(w, set); err != nil {
		return nil, err
	}
	return f, f.check()
}

func flagSet(f *flags, w *rawFlags) *pflag.FlagSet {
	set := pflag.NewFlagSet("pppoe-discovery", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringVarP(&f.iface, "interface", "I", defaultInterface, "Ethernet `INTERFACE` on which to send PADIs")
	set.StringVarP(&f.service, "service", "S", "", "Service-`NAME` to request (default: any)")
	set.StringVarP(&f.acName, "ac-name", "C", "", "accept only the access concentrator with this AC-`NAME`")
	set.IntVarP(&w.seconds, "timeout", "t", 0, "`SECONDS` to wait for answers to each PADI (default: 5; 2 with --vlan or --watch)")
	set.IntVarP(&f.attempts, "attempts", "a", 0, "send up to `N` PADIs until one is answered (default: 3; 2 with --vlan or --watch, more if that finds further ones)")
	set.BoolVarP(&w.pid, "host-uniq-pid", "U", false, "send a Host-Uniq tag with the process ID")
	set.StringVarP(&w.uniq, "host-uniq", "W", "", "send a Host-Uniq tag with these octets, in `HEX`; with --vlan or --watch, four more octets follow")
	set.BoolVarP(&f.quiet, "quiet", "Q", false, "print nothing, and end with the first answer; only the exit code says the result")
	set.BoolVar(&f.first, "first", false, "end with the first answer, instead of listing all that answer within the timeout")
	set.BoolVarP(&f.verbose, "verbose", "v", false, "print all tags decoded, the vendor of the address, and the latency; -v alone prints the version")
	set.BoolVar(&f.json, "json", false, "print a JSON document; with --watch, a JSON object per event")
	set.StringVar(&w.vlan, "vlan", "", "search the VLANs of a `LIST` like 50,100-200 or, for two tags, 50.1-4094; see below")
	set.IntVar(&f.rate, "rate", 2000, "send `N` PADIs per second, with --vlan or --watch")
	set.Uint8Var(&f.priority, "priority", 0, "802.1p priority (`PCP`) of our frames, 0 to 7; needs --vlan")
	set.StringVar(&w.source, "source", "", "source Ethernet `ADDRESS` of our frames (default: the interface's)")
	set.BoolVar(&f.watch, "watch", false, "ask repeatedly, and report concentrators that appear, disappear or change")
	set.IntVar(&w.interval, "interval", 30, "with --watch: `SECONDS` between rounds")
	set.IntVar(&f.missed, "missed", 3, "with --watch: a concentrator is gone after `N` consecutive rounds without an answer")
	set.StringArrayVar(&w.expect, "expect", nil, "`ADDRESS-or-NAME` of an expected concentrator; may be repeated. Any other one is reported as unexpected")
	set.BoolVar(&f.alarm, "alarm", false, "with --watch and --expect: end at the first unexpected concentrator")
	set.StringVar(&f.pcap.Path, "pcap", "", "capture the frames sent and received to this `FILE` in pcapng format, with results as comments")
	set.IntVar(&w.pcapSize, "pcap-size", pcapngwriter.DefaultMaxSize>>20, "rotate the capture file from `N` megabytes on")
	set.IntVar(&f.pcap.Files, "pcap-files", pcapngwriter.DefaultFiles, "keep `N` capture files: FILE, FILE.1 and so on")
	set.BoolVarP(&w.help, "help", "h", false, "print a summary of the options")
	set.BoolVarP(&w.version, "version", "V", false, "print the version")
	set.StringP("debug", "D", "", "ignored, with its `FILE`: there is no debug log")
	set.Usage = func() {}
	return set
}

// parse parses the values of w.
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
	if f.attemptsGiven = set.Changed("attempts"); !f.attemptsGiven {
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
	f.pcap.MaxSize = int64(w.pcapSize) << 20
	if w.pid && w.uniq != "" {
		return errors.New("-U and -W exclude each other")
	}
	return f.setHostUniq(w.pid, w.uniq)
}

// maxTime is the maximum of timeouts and intervals.
const maxTime = 24 * time.Hour

// maxTagOctets is the maximum length of the values of -S and -W, in octets: the 1484 of a PADI (RFC 2516
// section 5.1) include the tags' headers and the octets that are added to -W.
const maxTagOctets = 1400

func (f *flags) check() error {
	switch {
	case f.iface == "":
		return errors.New("no interface given: name one with -I")
	case f.first && f.watch:
		return errors.New("--first ends with the first answer, and --watch never ends: leave out one of them")
	case f.timeout <= 0 || f.timeout > maxTime, f.attempts < 1 || f.attempts > 1000:
		return errors.New("-t takes 1 to 86400 seconds, and -a a number from 1 to 1000")
	case len(f.service) > discovery.MaxService:
		return fmt.Errorf("-S takes a name of at most %d octets, so that it fits in a PADI", discovery.MaxService)
	case len(f.service)+len(f.hostUniq) > maxTagOctets:
		return fmt.Errorf("-S and -W take at most %d octets together, so that they fit in a PADI", maxTagOctets)
	case f.interval <= 0 || f.interval > maxTime:
		return errors.New("--interval takes 1 to 86400 seconds")
	case f.missed < 1:
		return errors.New("--missed takes a number above 0")
	case f.rate < 1 || f.rate > 1_000_000:
		return errors.New("--rate takes a number from 1 to 1000000")
	case f.priority > 7:
		return errors.New("--priority takes a number from 0 to 7")
	case f.priority > 0 && len(f.vlans) == 0:
		return errors.New("--priority needs a VLAN tag: use --vlan 0 for priority-tagged frames")
	case f.pcap.MaxSize < 1, f.pcap.Files < 1:
		return errors.New("--pcap-size and --pcap-files take a number above 0")
	case f.pcap.Path == "-":
		return errors.New("--pcap - would mix with the results on standard output: give a file")
	case f.alarm && (!f.watch || len(f.expect) == 0):
		return errors.New("--alarm needs --watch and --expect")
	}
	return nil
}

// defaultInterface is the interface without -I, as in the original.
const defaultInterface = "eth0"

// scans reports whether pppoe.Scan is needed instead of one discovery on the interface itself.
func (f *flags) scans() bool { return len(f.vlans) > 0 || f.watch }

// setHostUniq sets the Host-Uniq; the process ID is in native byte order, as in the original. Without a
// flag there is none, as in the original, unless scans needs one to match answers.
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

// acNames returns the AC-Names to accept; none means any.
func (f *flags) acNames() []string {
	if f.acName == "" {
		return nil
	}
	return []string{f.acName}
}

func (f *flags) scan() pppoe.ScanConfig {
	c := pppoe.ScanConfig{Client: f.discovery(), VLANs: f.vlans, Priority: f.priority, Rate: f.rate}
	if !f.attemptsGiven {
		c.Client.Attempts = 0 // and further ones
	}
	if f.watch {
		c.Interval = f.interval
	}
	return c
}

// explain adds to an error that -I has a default.
func (f *flags) explain(err error) error {
	if f.named || !errors.Is(err, afpacket.ErrNoInterface) {
		return err
	}
	return fmt.Errorf("%w. The default interface is %s: name another one with -I", err, defaultInterface)
}

func (f *flags) attachment() afpacket.Attachment {
	name, _ := ifname.KernelName(f.iface)
	return afpacket.Attachment{Interface: name, Source: f.source}
}
