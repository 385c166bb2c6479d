package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"upppoe/internal/aaa"
	"upppoe/internal/config/flagerror"
	"upppoe/internal/config/manpage"
	"upppoe/internal/config/pppd"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/host/scripts"
	"upppoe/internal/version"
	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
)

// flags are the values of the command line's flags, which have rp-pppoe's letters and defaults.
type flags struct {
	interfaces   []string
	local        netip.Addr
	remote       netip.Addr
	acName       string
	services     []string
	max          int
	maxPerClient int // 0: no limit
	keepOlder    bool
	mss          int
	vlans        vlan.Set
	ipv6         ipv6Pools
	device       deviceMode
	foreground   bool
	debug        bool
	options      string
	optionWords  []string // of optionFlags
	etc          string
	pidFile      string // empty: none
	control      controlFlags
	warnings     []string // of flags that are ignored
}

// Values of --duplicate-session.
const replace, refuse = "replace", "refuse"

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

func parseFlags(args []string) (*flags, error) {
	f := &flags{}
	var local, remote, vlans, duplicate string
	var v6 ipv6Flags
	var device deviceFlags
	set := pflag.NewFlagSet("pppoe-server", pflag.ContinueOnError)
	set.SortFlags = false
	set.StringArrayVarP(&f.interfaces, "interface", "I", []string{"eth0"}, "Ethernet interface to serve; may be repeated")
	set.StringVarP(&local, "local", "L", "10.0.0.1", "local IPv4 address of all sessions")
	set.StringVarP(&remote, "remote", "R", "10.67.15.1", "first address of the IPv4 pool for clients; 0.0.0.0: no pool, accounts have the addresses")
	set.StringVarP(&f.acName, "ac-name", "C", "", "AC-Name of the access concentrator (default: the host name)")
	set.StringArrayVarP(&f.services, "service", "S", nil, "Service-Name to offer; may be repeated (default: any); with options for its sessions after --, like 'gold -- rate-up 20000 rate-down 100000'")
	v6.add(set)
	device.add(set)
	set.StringVar(&vlans, "vlan", "", "serve these VLANs of every -I instead of untagged frames, like 50,100-200, or 100-199.1-4094 for two tags (OUTER.INNER); untagged,10-20 serves untagged frames too; any: frames with any tags, and without. No VLAN devices are needed, and one pair of sockets serves all VLANs of an interface")
	set.IntVarP(&f.mss, "mss", "m", 0, "clamp TCP's MSS to this, if it is less than the MTU allows; -1: no clamping")
	set.IntVarP(&f.max, "max-sessions", "N", pppoe.DefaultSessions, "maximum number of sessions")
	set.IntVarP(&f.maxPerClient, "max-per-client", "x", 0, "maximum number of sessions per client, by its Ethernet address (default 0: no limit)")
	set.StringVar(&duplicate, "duplicate-session", replace, "what to do with two sessions that have one IPv4 address: replace (end the older; default) or refuse (end the newer)")
	addOptionFlags(set, &f.optionWords)
	set.StringVarP(&f.options, "options", "O", "", "file of pppd options for all sessions (default: pppoe-server-options in --etc)")
	set.StringVar(&f.etc, "etc", "/etc/ppp", "directory of chap-secrets, pap-secrets and the options file")
	set.BoolVarP(&f.foreground, "foreground", "F", false, "stay in the foreground")
	set.BoolVarP(&f.debug, "debug", "d", false, "log every control packet")
	set.StringVarP(&f.pidFile, "pid-file", "X", "", "file for the process ID, while the server runs")
	set.StringVar(&f.control.socket, "control-socket", "", "`PATH` of the socket for pppoe-server status and other commands; none: no socket (default: "+sockets+"/"+socketName+".sock, or if another server has that, "+socketName+"-PID.sock)")
	set.StringVar(&f.control.group, "control-group", "", "`GROUP` whose members may use the control socket too (default: only root)")
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
	if err := set.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil, err
		}
		return nil, &pppd.Error{Message: flagerror.Explain(err).Error() + " (see pppoe-server --help)"}
	}
	if set.NArg() > 0 {
		return nil, &pppd.Error{Message: fmt.Sprintf("unexpected argument %q (see pppoe-server --help)", set.Arg(0))}
	}
	if duplicate != replace && duplicate != refuse {
		return nil, &pppd.Error{Message: fmt.Sprintf("--duplicate-session %q: give replace or refuse", duplicate)}
	}
	f.keepOlder = duplicate == refuse
	f.warnings = ignoredFlagWarnings(set)
	f.vlans = vlan.SetOf(vlan.Stack{})
	if set.Changed("vlan") {
		served, err := vlan.ParseSet(vlans)
		if err != nil {
			return nil, &pppd.Error{Message: "--vlan: " + err.Error()}
		}
		f.vlans = served
	}
	if err := f.ipv6.read(v6); err != nil {
		return nil, err
	}
	if err := f.device.read(device); err != nil {
		return nil, err
	}
	return f, f.check(local, remote)
}

// valueNames are the names of flags' values in the help.
var valueNames = map[string]string{
	"interface": "INTERFACE", "local": "ADDRESS", "remote": "ADDRESS", "ac-name": "NAME", "service": "NAME",
	"ipv6-networks": "PREFIX", "ipv6-addresses": "PREFIX", "ipv6-dns": "ADDRESS", "device": "MODE", "ipv6-local": "ADDRESS", "vlan": "LIST", "mss": "N",
	"max-sessions": "N", "max-per-client": "N", "duplicate-session": "POLICY", "options": "FILE", "etc": "DIRECTORY",
	"pid-file": "FILE",
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

// check parses and checks values of flags; its error names the flag.
func (f *flags) check(local, remote string) (err error) {
	if f.local, err = address("-L", local); err != nil {
		return err
	}
	if f.remote, err = address("-R", remote); err != nil {
		return err
	}
	if f.mss < -1 || f.mss > 65535 {
		return &pppd.Error{Message: fmt.Sprintf("-m %d: give an MSS in octets, or -1 for no clamping", f.mss)}
	}
	if f.max < 1 || f.max > pppoe.MaxSlots {
		return &pppd.Error{Message: fmt.Sprintf("-N %d: give a number between 1 and %d, of which each interface and VLAN has at most 65534", f.max, pppoe.MaxSlots)}
	}
	if f.maxPerClient < 0 {
		return &pppd.Error{Message: fmt.Sprintf("-x %d: give a maximum number of sessions per client, or 0 for no limit", f.maxPerClient)}
	}
	if err := f.checkPool(); err != nil {
		return err
	}
	if err := f.device.checkPools(f.ipv6.bases); err != nil {
		return err
	}
	if err := f.checkOptionFlags(); err != nil {
		return err
	}
	for _, s := range f.services {
		if _, err := pppd.ParseService(s); err != nil {
			return &pppd.Error{Message: fmt.Sprintf("-S %q: %v", s, err)}
		}
	}
	if f.options == "" {
		f.options = filepath.Join(f.etc, "pppoe-server-options")
	}
	if f.acName == "" {
		if f.acName, err = os.Hostname(); err != nil {
			return fmt.Errorf("give -C, as the host name is unknown: %w", err)
		}
	}
	return nil
}

// checkPool rejects invalid addresses in the pool, which clients could otherwise be assigned.
func (f *flags) checkPool() error {
	if err := netconfig.CheckHostAddress(f.local); err != nil {
		return &pppd.Error{Message: fmt.Sprintf("-L %v: it %v: give one like 192.0.2.1", f.local, err)}
	}
	if f.remote.IsUnspecified() { // rp-pppoe: no pool
		f.remote = netip.Addr{}
		return nil
	}
	pool := pppoe.Pool{First: f.remote}
	for unit := range f.max {
		a := pool.Address(unit)
		if err := netconfig.CheckHostAddress(a); err != nil {
			return &pppd.Error{Message: fmt.Sprintf("-R %v -N %d: %v in this pool %v", f.remote, f.max, a, err)}
		}
		if a == f.local {
			return &pppd.Error{Message: fmt.Sprintf("-R %v -N %d: %v in this pool is our own address, -L", f.remote, f.max, a)}
		}
	}
	return nil
}

func address(flag, text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return a, &pppd.Error{Message: fmt.Sprintf("%s %q: give an IPv4 address like 192.0.2.1", flag, text)}
	}
	return a, nil
}

// Defaults of LCP echoes. A server sends Echo-Requests by default: a client that vanishes without a
// PADT, as in a power failure, would otherwise keep its session and address forever.
const (
	echoInterval = 20 * time.Second
	echoFailures = 3
)

// options reads the system's options file, if it exists, as each pppd that rp-pppoe's server starts does,
// and then the server's. The latter must exist: it says whether clients must authenticate themselves, so
// a server with a mistyped path must not start.
func options(f *flags) (*pppd.Settings, error) {
	s := pppd.New()
	s.Auth, s.EchoInterval, s.EchoFailures = true, echoInterval, echoFailures
	r := pppd.Reader{Role: pppd.Server, Settings: s, Dir: f.etc}
	if err := r.Defaults(""); err != nil {
		return nil, err
	}
	open := !s.Auth && len(s.Require) == 0
	err := r.File(f.options)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &pppd.Error{Message: fmt.Sprintf("options file %s does not exist: create it with require-chap (or noauth), or name another with -O", f.options)}
	}
	if err != nil {
		return nil, err
	}
	if err := f.override(&r); err != nil {
		return nil, err
	}
	if open && len(s.RequireAuth()) == 0 {
		s.Warnings = append(s.Warnings, fmt.Sprintf("noauth in %s applies here too: clients need not authenticate themselves; put auth in %s to require it", filepath.Join(f.etc, "options"), f.options))
	}
	if s.Auth && len(s.Require) == 0 && !slices.ContainsFunc(s.Parsed, func(g pppd.ParsedOption) bool { return g.Name == "auth" }) {
		// Files made for pppd, which requires no authentication then.
		s.Warnings = append(s.Warnings, fmt.Sprintf("clients must authenticate themselves, as %s has neither auth nor noauth: add noauth to accept any client, or require-chap and accounts in %s",
			f.options, filepath.Join(f.etc, "chap-secrets")))
	}
	if s.Name == "" {
		s.Name = f.acName
	}
	s.SharedDevice = f.device.shared
	s.Warnings = append(s.Warnings, s.IneffectiveOptions(pppd.Server)...)
	if s.NoIPv6 && f.ipv6.wanted() {
		s.Warnings = append(s.Warnings, "--ipv6-networks, --ipv6-addresses and --ipv6-prefixes have no effect: option \"noipv6\" disables IPv6")
	}
	return s, nil
}

// host returns what configures the devices and addresses of sessions.
func host(s *pppd.Settings, around *sessionScripts, log *slog.Logger) *netconfig.Configurer {
	return &netconfig.Configurer{
		MTU: s.MTU, DataPath: s.DataPath, Queues: s.Queues, ProxyARP: s.ProxyARP, KernelTune: s.KernelTune,
		PreUp: around.preUp, MayPreUp: around.mayPreUp, Log: log,
	}
}

// scriptsOf returns the configuration of sessions' scripts, without the device name.
func scriptsOf(f *flags, s *pppd.Settings, log *slog.Logger) scripts.Config {
	return scripts.Config{
		Dir: f.etc, Paths: s.Scripts, IPParam: s.IPParam, Unit: -1, User: s.Name, Env: s.ScriptEnv, Timeout: s.ChildTimeout, Log: log,
	}
}

// config returns the server's configuration from flags and options, without Network and Notify. Errors in
// the accounts' files are logged. before is the authenticator that the server had until now; nil if none.
func config(f *flags, s *pppd.Settings, before pppoe.Authenticator, log *slog.Logger) pppoe.ServerConfig {
	c := pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: f.acName, Services: s.ServiceNames()},
		Session:      s.Session(),
		Pool:         pppoe.Pool{Max: f.max, MaxPerClient: f.maxPerClient, First: f.remote},
		KeepOlder:    f.keepOlder,
		DataPath:     s.DataPath,
		Limits:       s.Limits(),
		Access:       s.AccessConfig(),

		RemoteIDByAddr: s.RemoteIDByAddr(),
		MSS:            mss(f, s),
		Trace:          s.Debug || f.debug,
	}
	if v4 := c.Session.IPv4; v4 != nil {
		v4.Local = f.local
	}
	c.Session.LCP.RequireAuth = s.RequireAuth()
	authenticator := aaa.NewFileAuthenticator(f.etc, s.Name, c.Pool, log)
	authenticator.Defaults, authenticator.EnforceAddresses = s, true
	authenticator.SetFiles(s.CHAPSecrets, s.PAPSecrets)
	if is, ok := before.(*aaa.FileAuthenticator); ok {
		authenticator.InheritCache(is)
	}
	authenticator.CheckFiles(c.Session.LCP.RequireAuth)
	if len(c.Session.LCP.RequireAuth) > 0 { // without it we authenticate to nobody: see ppp.MarkChallenge
		c.Session.LCP.AllowAuth, c.Session.PeerAuthFirst = authenticator.OwnMethods(s.AllowAuth()), true
		c.Session.Credentials = ppp.Credentials{Name: s.Name, Secret: func(string) ([]byte, bool) { return nil, false }}
	}
	c.Authenticator, c.Policy = authenticator, s.SessionPolicies()
	return c
}

// mss returns the MSS limit of the flag, or else of the options file.
func mss(f *flags, s *pppd.Settings) int {
	if f.mss != 0 {
		return f.mss
	}
	return s.ClampMSS()
}
