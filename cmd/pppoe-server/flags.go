package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"upppoe/internal/config/flagerror"
	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/version"
	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
)

// flags are the values of the command line's flags, which have rp-pppoe's letters and defaults.
type flags struct {
	config       string // a file that takes the place of all other flags; empty: none
	interfaces   []string
	vlans        vlan.Set
	local        string
	remote       string
	acName       string
	services     []string
	max          int
	maxPerClient int
	duplicate    string
	poolFile     string
	checkPool    bool // check poolFile, and nothing else
	localEach    bool
	idOffset     int
	randomIDs    bool
	mss          int
	ipv6         ipv6Flags
	device       deviceFlags
	foreground   bool
	debug        bool
	options      string
	optionWords  []string // of optionFlags
	etc          string
	pidFile      string
	control      controlFlags
	web          webFlags
	state        string // file of the store of sessions; empty: the default
	noAdopt      bool
	warnings     []string // of flags that are ignored
}

const usage = `pppoe-server is a PPPoE access concentrator without PPP in the kernel.

  pppoe-server -I eth1 -L 192.0.2.1 -R 192.0.2.10 -F

Accounts are in /etc/ppp/chap-secrets and /etc/ppp/pap-secrets:
  "alice" * "her password" *
Without an account there, and without noauth in the options file, all logins are
rejected.
It needs root, or CAP_NET_RAW and CAP_NET_ADMIN, and /dev/net/tun. It drops all other
capabilities once it is running; scripts run with those of root.

Flags:
`

// newFlags returns the set of flags, which are stored in f.
func newFlags(f *flags, vlans *string) *pflag.FlagSet {
	set := pflag.NewFlagSet("pppoe-server", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringVar(&f.config, "config", "", "serve by this configuration `FILE`, like "+serverconfig.DefaultPath+"; of other flags only "+besideConfigText()+" may be given")
	set.StringArrayVarP(&f.interfaces, "interface", "I", []string{"eth0"}, "Ethernet interface to serve; may be repeated")
	set.StringVarP(&f.local, "local", "L", "10.0.0.1", "local IPv4 address of all sessions")
	set.StringVarP(&f.remote, "remote", "R", "10.67.15.1", "first address of the IPv4 pool for clients; 0.0.0.0: no pool, accounts have the addresses")
	set.StringVarP(&f.acName, "ac-name", "C", "", "AC-Name of the access concentrator (default: the host name)")
	set.StringArrayVarP(&f.services, "service", "S", nil, "Service-Name to offer; may be repeated (default: any); with options for its sessions after --, like 'gold -- rate-up 20000 rate-down 100000'")
	f.ipv6.add(set)
	f.device.add(set)
	set.StringVar(vlans, "vlan", "", "serve these VLANs of every -I instead of untagged frames, like 50,100-200, or 100-199.1-4094 for two tags (OUTER.INNER); untagged,10-20 serves untagged frames too; any: frames with any tags, and without. No VLAN devices are needed, and one pair of sockets serves all VLANs of an interface")
	set.IntVarP(&f.mss, "mss", "m", 0, "clamp TCP's MSS to this, if it is less than the MTU allows; -1: no clamping")
	set.IntVarP(&f.max, "max-sessions", "N", pppoe.DefaultSessions, "maximum number of sessions; the kernel data path reserves 112 octets for each, and 96 for each and processor")
	set.IntVarP(&f.maxPerClient, "max-per-client", "x", 0, "maximum number of sessions per client, by its Ethernet address (default 0: no limit)")
	set.StringVar(&f.duplicate, "duplicate-session", "allow", "what to do when a user who has a session logs in again: allow another session (default), replace (end the older one) or refuse; accounts may have max-sessions. Of two sessions with one IPv4 address, refuse ends the newer, others end the older")
	set.StringVarP(&f.poolFile, "pool-file", "p", "", "file of the pool's addresses, instead of -R and -N: an address or a range like 192.0.2.10-99 in each line")
	set.BoolVarP(&f.checkPool, "check-pool", "P", false, "check the file of -p, and exit")
	set.BoolVarP(&f.localEach, "increment-local", "l", false, "give each session a local address of its own, from -L on")
	set.IntVarP(&f.idOffset, "session-id-offset", "o", 0, "session IDs begin after this number")
	set.BoolVarP(&f.randomIDs, "random-sessions", "r", false, "assign session IDs in random order")
	addOptionFlags(set, &f.optionWords)
	set.StringVarP(&f.options, "options", "O", "", "file of pppd options for all sessions (default: pppoe-server-options in --etc)")
	set.StringVar(&f.etc, "etc", "/etc/ppp", "directory of chap-secrets, pap-secrets and the options file")
	set.BoolVarP(&f.foreground, "foreground", "F", false, "stay in the foreground")
	set.BoolVarP(&f.debug, "debug", "d", false, "log every control packet")
	set.StringVarP(&f.pidFile, "pid-file", "X", "", "file for the process ID, while the server runs")
	set.StringVar(&f.state, "state", "", "`FILE` of the store of sessions, by which the next start continues those of a server that was killed, like "+serverconfig.DefaultState+" (default: none)")
	set.BoolVar(&f.noAdopt, "no-adopt", false, "end the sessions of the store with a PADT, instead of continuing them")
	set.StringVar(&f.control.socket, "control-socket", "", "`PATH` of the socket for pppoe-server status and other commands; none: no socket (default: "+sockets+"/"+socketName+".sock, or if another server has that, "+socketName+"-PID.sock)")
	set.StringVar(&f.control.group, "control-group", "", "`GROUP` whose members may use the control socket too (default: only root)")
	f.web.add(set)
	nameValues(set)
	addIgnoredFlags(set)
	manpage.AddFlag(set, os.Stdout, func() *manpage.Page { return page(set) })
	version.AddFlag(set, "v", os.Stdout)
	set.Usage = func() {
		fmt.Print(usage, set.FlagUsagesWrapped(100))
		writeCommands(os.Stdout)
		fmt.Print("\nOptions of the options file:\n")
		pppd.WriteHelp(os.Stdout, pppd.Server)
	}
	return set
}

// parseFlags parses the command line, and checks all that can be checked before a file is read.
func parseFlags(args []string) (*flags, error) {
	f, vlans := &flags{}, ""
	set := newFlags(f, &vlans)
	if err := set.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		return nil, &pppd.Error{Message: flagerror.Explain(err).Error() + " (see pppoe-server --help)"}
	}
	if set.NArg() > 0 {
		return nil, unknownArgument(set.Arg(0))
	}
	if set.Changed("config") {
		return f, f.checkConfigAlone(set)
	}
	f.warnings = ignoredFlagWarnings(set)
	f.vlans = vlan.SetOf(vlan.Stack{})
	if set.Changed("vlan") {
		served, err := vlan.ParseSet(vlans)
		if err != nil {
			return nil, &pppd.Error{Message: "--vlan: " + err.Error()}
		}
		f.vlans = served
	}
	if f.options == "" {
		f.options = filepath.Join(f.etc, "pppoe-server-options")
	}
	s := serverconfig.DefaultOptions()
	if err := f.override(&pppd.Reader{Role: pppd.Server, Settings: s}); err != nil {
		return nil, err
	}
	_, err := f.translate(s)
	return f, err
}

// valueNames are the names of flags' values in the help.
var valueNames = map[string]string{
	"interface": "INTERFACE", "local": "ADDRESS", "remote": "ADDRESS", "ac-name": "NAME", "service": "NAME",
	"ipv6-networks": "PREFIX", "ipv6-addresses": "PREFIX", "ipv6-dns": "ADDRESS", "device": "MODE", "ipv6-local": "ADDRESS", "vlan": "LIST", "mss": "N",
	"max-sessions": "N", "max-per-client": "N", "duplicate-session": "POLICY", "options": "FILE", "etc": "DIRECTORY",
	"pid-file": "FILE", "pool-file": "FILE", "session-id-offset": "N",
}

// namedValue is a flag's value with a name, which pflag takes from Type.
type namedValue struct {
	pflag.Value
	name string
}

// Type returns the name.
func (v namedValue) Type() string { return v.name }

// nameValues names the values of flags, and removes brackets from their defaults.
func nameValues(set *pflag.FlagSet) {
	for flag, name := range valueNames {
		f := set.Lookup(flag)
		f.Value, f.DefValue = namedValue{f.Value, name}, strings.Trim(f.DefValue, "[]")
	}
	for _, flag := range []string{"duplicate-session", "device"} {
		set.Lookup(flag).DefValue = "" // its text says it
	}
}
