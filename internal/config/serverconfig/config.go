// Package serverconfig is the configuration of an access concentrator as one typed value, and the TOML
// file that it is read from and written as. One table of sections and keys is parser, check, writer,
// help and manual. rp-pppoe's flags, pppd's options and accel-ppp's file are translated to the same value.
package serverconfig

import (
	"net/netip"
	"os"
	"slices"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/mgmt/metrics"
	"upppoe/internal/mgmt/web"
	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
)

// DefaultPath is the usual path of the file.
const DefaultPath = "/etc/upppoe/server.toml"

// Config is the configuration of a server. Default returns the documented defaults.
type Config struct {
	Server     Server
	Interfaces []Interface
	Device     Device
	Sessions   Sessions
	IPv4       IPv4
	Pools      []pppoe.AddressPool // besides that of IPv4.First
	IPv6       IPv6
	Metrics    metrics.Config // Listen empty: none are served
	Web        web.Config     // Listen empty: there is no page
	Control    Control
	State      State
	RADIUS     RADIUS
	Cluster    Cluster
	// ScriptDirectory has the scripts that Options does not name by a path.
	ScriptDirectory string
	// Options are the values of pppd's options: PPP, authentication, policies, limits of clients, data
	// path and log. Parsed and Warnings are those of options files.
	Options *pppd.Settings
}

// Server is the program and its name.
type Server struct {
	ACName     string // empty: the host name
	PIDFile    string // empty: none
	Foreground bool
}

// Interface is an Ethernet interface that is served.
type Interface struct {
	Name  string
	VLANs vlan.Set
}

// Device is which network devices sessions have.
type Device struct {
	Shared  bool   // one for all
	Name    string // of the shared device; empty: the default
	Isolate bool   // drop packets from one client to another
}

// Sessions limits the number of sessions.
type Sessions struct {
	Max          int
	MaxPerClient int // 0: no limit
	Duplicates   pppoe.Duplicates
	IDs          pppoe.SessionIDs
}

// IPv4 has the server's address and the pool of clients' addresses.
type IPv4 struct {
	Local netip.Addr
	First netip.Addr // of the pool pppoe.FirstPool; invalid: there is none
	Pool  string     // of sessions that name none; empty: pppoe.FirstPool
	// LocalPerSession gives each session a local address of its own, from Local on.
	LocalPerSession bool
}

// IPv6 has the pools that router advertisements and DHCPv6 assign from. Invalid prefixes: no pool.
type IPv6 struct {
	Networks        netip.Prefix // a /64 of it is advertised to each session
	Addresses       netip.Prefix // an address of it is leased to each session
	Delegated       netip.Prefix // a prefix of it is delegated to each session
	DelegatedLength int
	Exclude         []netip.Prefix // not assigned
	Pools           []IPv6Pool     // with names
	DNS             []netip.Addr
	Local           netip.Addr // of a shared device; invalid: none
	DUIDFile        string
}

// Control is the control socket.
type Control struct {
	Socket string // empty: the default; NoSocket: none
	Group  string // empty: only root may use it
}

// State is the store of sessions.
type State struct {
	File         string // empty: the default; NoState: none
	Adopt        bool
	EndConflicts bool // end adopted sessions that contradict the configuration
}

// Name returns the server's name in the files of accounts.
func (c *Config) Name() string { return orElse(c.Options.Name, c.ACName()) }

// ACName returns the AC-Name.
func (c *Config) ACName() string {
	if c.Server.ACName != "" {
		return c.Server.ACName
	}
	name, _ := os.Hostname()
	return name
}

// MSS returns the MSS limit for pppoe's configurations: 0 is the default, a negative value no clamping.
func (c *Config) MSS() int { return c.Options.ClampMSS() }

// Prefixes returns the pools that there are, also those with names.
func (v *IPv6) Prefixes() (all []netip.Prefix) {
	for _, p := range v.all() {
		_, prefixes := p.prefixes()
		all = append(all, prefixes...)
	}
	return all
}

// NeedsDHCP reports whether a pool is assigned by DHCPv6.
func (v *IPv6) NeedsDHCP() bool {
	return slices.ContainsFunc(v.all(), func(p IPv6Pool) bool { return p.Addresses.IsValid() || p.Delegated.IsValid() })
}

// Defaults of LCP echoes. A server sends Echo-Requests by default: a client that vanishes without a
// PADT, as in a power failure, would otherwise keep its session and address forever.
const (
	echoInterval = 20 * time.Second
	echoFailures = 3
)

// DefaultOptions returns the values of pppd's options before a server reads its options files.
func DefaultOptions() *pppd.Settings {
	s := pppd.New()
	s.Auth, s.EchoInterval, s.EchoFailures = true, echoInterval, echoFailures
	return s
}

// Default returns the configuration of an empty file, which serves no interface.
func Default() *Config {
	options := DefaultOptions()
	options.LogTimes = true // with flags alone lines are those of pppd, which scripts read
	return &Config{
		Sessions:        Sessions{Max: pppoe.DefaultSessions},
		IPv4:            IPv4{Local: netip.AddrFrom4([4]byte{10, 0, 0, 1})},
		IPv6:            IPv6{DUIDFile: "/etc/ppp/pppoe-server-duid"},
		State:           State{Adopt: true},
		ScriptDirectory: "/etc/ppp",
		Options:         options,
	}
}
