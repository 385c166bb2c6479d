package main

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/manual"
	"upppoe/pppoe"
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
}

// errHelp says that usage was wanted, and was printed.
var errHelp = errors.New("help")

const usage = `pppoe-discovery lists the PPPoE access concentrators that answer.

  pppoe-discovery -I eth0

It needs root, or CAP_NET_RAW. Exit code 0: at least one answered; 1: none did.

Flags:
`

func parseFlags(args []string) (*flags, error) {
	f := &flags{}
	var uniq string
	var pid, version bool
	var seconds int
	set := pflag.NewFlagSet("pppoe-discovery", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringVarP(&f.iface, "interface", "I", "", "Ethernet interface to ask on")
	set.StringVarP(&f.service, "service", "S", "", "Service-Name wanted (default: any)")
	set.StringVarP(&f.acName, "ac-name", "C", "", "only the access concentrator of this name")
	set.IntVarP(&seconds, "timeout", "t", 5, "seconds to wait for answers, each time")
	set.IntVarP(&f.attempts, "attempts", "a", 3, "how often to ask while nobody answers")
	set.BoolVarP(&pid, "host-uniq-pid", "U", false, "mark our packets with the process ID")
	set.StringVarP(&uniq, "host-uniq", "W", "", "mark our packets with these octets, in hexadecimal")
	set.BoolVarP(&f.quiet, "quiet", "Q", false, "print nothing: the exit code tells")
	set.BoolVar(&f.json, "json", false, "print a JSON document")
	set.BoolVarP(&version, "version", "V", false, "print this")
	set.StringP("debug", "D", "", "taken for compatibility")
	manual.AddFlag(set, os.Stdout, func() *manual.Page { return page(set) })
	set.Usage = func() { fmt.Fprint(os.Stderr, usage, set.FlagUsages()) }
	switch err := set.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return nil, errHelp
	case err != nil:
		return nil, err
	case version:
		set.Usage()
		return nil, errHelp
	case f.iface == "":
		return nil, errors.New("interface was not specified: name one with -I")
	case pid && uniq != "":
		return nil, errors.New("-U and -W exclude each other")
	case seconds < 1 || f.attempts < 1:
		return nil, errors.New("-t and -a take a number above 0")
	}
	f.timeout = time.Duration(seconds) * time.Second
	return f, f.mark(pid, uniq)
}

// mark sets the Host-Uniq; the process ID stands in it as pppoe-discovery has it.
func (f *flags) mark(pid bool, uniq string) (err error) {
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

func (f *flags) host() pppoe.HostConfig {
	return pppoe.HostConfig{
		Service: f.service, ACNames: f.acNames(), HostUniq: f.hostUniq,
		Timeout: f.timeout, Attempts: f.attempts, Probe: true, Rand: rand.Reader,
	}
}

// acNames are the names wanted; none: any.
func (f *flags) acNames() []string {
	if f.acName == "" {
		return nil
	}
	return []string{f.acName}
}
