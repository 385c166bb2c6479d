package main

import (
	"errors"
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// options are the command line.
type options struct {
	iface      string
	sessions   int
	rate       float64
	inProgress int
	mac        string
	vlans      string
	user       string
	password   string
	service    string
	acName     string
	noIPv6     bool
	timeout    time.Duration
	hold       time.Duration
	churn      float64
	echo       time.Duration
	traffic    string
	target     string
	newcomers  time.Duration
	flood      string
	floodRate  float64
	floodFrom  string
	json       bool
	cpuProfile string

	self       bool
	serverArgs []string
	options    []string // lines of the server's options file
	serverLog  string
	kill       time.Duration
	server     string
	radius     bool

	base    wire.Addr // of the first client
	tags    []vlan.Stack
	packets traffic
}

const usage = `load dials PPPoE sessions from one process, and reports how it went.

  load --interface eth1 --sessions 2000 --hold 1m --churn 20
  load --self --sessions 5000 --server-args "--device shared"

Templates: %d in a user name or password is the number of the client, from 0.

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
	if o.flood != "" && o.newcomers == 0 {
		o.newcomers = time.Second
	}
	return o, o.check()
}

// flags returns the flags.
func (o *options) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("load", pflag.ContinueOnError)
	f.SortFlags = false
	f.Usage = func() { fmt.Fprint(os.Stderr, usage+f.FlagUsagesWrapped(100)) }
	f.StringVarP(&o.iface, "interface", "I", "", "Ethernet `INTERFACE` of the clients")
	f.IntVarP(&o.sessions, "sessions", "n", 1000, "number of clients, each with a session")
	f.Float64Var(&o.rate, "rate", 0, "dials started per second (default: as fast as --in-progress allows)")
	f.IntVar(&o.inProgress, "in-progress", 256, "maximum number of dials, and of closes, in progress")
	f.StringVar(&o.mac, "mac", "02:4c:00:00:00:00", "Ethernet `ADDRESS` of the first client; the others count up from it")
	f.StringVar(&o.vlans, "vlan", "", "VLANs of the clients, in turn: a `LIST` like 100-199 or 10.1-4094")
	f.StringVar(&o.user, "user", "user%d", "`TEMPLATE` of user names")
	f.StringVar(&o.password, "password", "secret", "`TEMPLATE` of passwords")
	f.StringVar(&o.service, "service", "", "Service-Name to request")
	f.StringVar(&o.acName, "ac", "", "AC-Name to accept (default: any)")
	f.BoolVar(&o.noIPv6, "no-ipv6", false, "negotiate IPv4 only")
	f.DurationVar(&o.timeout, "timeout", 3*time.Minute, "how long to wait until all sessions are open")
	o.addHoldFlags(f)
	o.addSelfFlags(f)
	return f
}

// addHoldFlags adds the flags of what happens while the sessions are held.
func (o *options) addHoldFlags(f *pflag.FlagSet) {
	f.DurationVar(&o.hold, "hold", 0, "how long to hold the sessions once all are open")
	f.Float64Var(&o.churn, "churn", 0, "sessions ended and redialled per second during --hold")
	f.DurationVar(&o.echo, "echo", 30*time.Second, "interval of LCP Echo-Requests; 0: none")
	f.StringVar(&o.traffic, "traffic", "", "`PPS,SIZE`: packets per second, over all sessions, during --hold, and their length in octets")
	f.StringVar(&o.target, "target", "server", "destination of --traffic: server (ICMP echo to the server's address), peers (UDP to the next client) or `ADDRESS[:PORT]` (ICMP echo, or UDP to an echo service)")
	f.DurationVar(&o.newcomers, "newcomers", 0, "during --hold, dial one more client at this interval, and end it when packets flow (default: 1s with --flood)")
	f.StringVar(&o.flood, "flood", "", "during --hold, flood the concentrator with frames of this `KIND`: padi, padr, padt, lcp, chap or echo")
	f.Float64Var(&o.floodRate, "flood-rate", 100000, "frames of --flood per second")
	f.StringVar(&o.floodFrom, "flood-from", "forged", "`SOURCE` of --flood: forged (random addresses and session IDs) or session (that of the first client)")
}

// addSelfFlags adds the flags of reports and of --self.
func (o *options) addSelfFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "write the report as JSON")
	f.StringVar(&o.cpuProfile, "cpu-profile", "", "write a CPU profile of the generator to `FILE`")
	f.BoolVar(&o.self, "self", false, "measure our own pppoe-server: both ends run in network namespaces of their own on this machine; needs root")
	f.StringArrayVar(&o.serverArgs, "server-args", nil, "with --self: further `ARGUMENTS` of pppoe-server, separated by spaces; may be repeated")
	f.StringArrayVar(&o.options, "server-option", nil, "with --self: a further `LINE` of pppoe-server's options file; may be repeated")
	f.StringVar(&o.server, "server", "", "with --self: the pppoe-server to measure, a `FILE` (default: built from the module of the working directory)")
	f.BoolVar(&o.radius, "radius", false, "with --self: clients log in by FreeRADIUS, which also does accounting; the server has a shared device, and no --server-args")
	f.DurationVar(&o.kill, "kill", 0, "with --self: this long after the begin of --hold, kill the server with SIGKILL and start it again; it adopts the sessions from its store")
	f.StringVar(&o.serverLog, "server-log", "", "with --self: keep the server's log in `FILE`")
}

func (o *options) check() (err error) {
	switch {
	case !o.self && o.iface == "":
		return errors.New("--interface is missing: give one, or --self")
	case o.kill < 0 || o.kill > 0 && (!o.self || o.radius || o.kill > o.hold):
		return errors.New("--kill needs --self, not --radius, and a longer --hold")
	case o.self && o.iface != "":
		return errors.New("--self makes its own interface: omit --interface")
	case o.sessions < 1 || o.sessions > 1<<20:
		return fmt.Errorf("--sessions %d: give 1 to %d", o.sessions, 1<<20)
	case o.rate < 0 || o.churn < 0:
		return errors.New("--rate and --churn must not be negative")
	case o.inProgress < 1:
		return fmt.Errorf("--in-progress %d: give at least 1", o.inProgress)
	case o.hold < 0 || o.timeout <= 0 || o.echo < 0 || o.newcomers < 0:
		return errors.New("--hold, --timeout, --echo and --newcomers must not be negative, nor --timeout 0")
	}
	for flag, template := range map[string]string{"--user": o.user, "--password": o.password} {
		if n := strings.Count(template, "%"); n > 1 || n == 1 && !strings.Contains(template, "%d") {
			return fmt.Errorf("%s %q: a template has at most one %%d, and no other %%", flag, template)
		}
	}
	return errors.Join(o.parseAddresses(), o.parseTraffic(), o.checkFlood())
}

func (o *options) parseAddresses() (err error) {
	if o.base, err = wire.ParseAddr(o.mac); err != nil {
		return fmt.Errorf("--mac %w", err)
	}
	if !o.base.IsUnicast() {
		return fmt.Errorf("--mac %v: a multicast address: make the first octet even", o.base)
	}
	if o.prefix() < 8 {
		return fmt.Errorf("--mac %v: %d addresses from there on have no common first octet", o.base, o.sessions)
	}
	if o.vlans == "" {
		return nil
	}
	if o.tags, err = vlan.ParseList(o.vlans); err != nil {
		return fmt.Errorf("--vlan: %w", err)
	}
	return nil
}

// number and addr convert between an address and its number.
func number(a wire.Addr) (n uint64) {
	for _, octet := range a {
		n = n<<8 | uint64(octet)
	}
	return n
}

func addr(n uint64) (a wire.Addr) {
	for i := range a {
		a[i] = byte(n >> (8 * (len(a) - 1 - i)))
	}
	return a
}

// addresses is how many Ethernet addresses are ours: some more than sessions, for real clients
// beside them.
func (o *options) addresses() int { return o.sessions + extraClients }

// extraClients is the number of clients that dial beside the sessions, one after the other.
const extraClients = 64

// prefix is the length of the common prefix of all our addresses, in bits.
func (o *options) prefix() int {
	first := number(o.base)
	last := first + uint64(o.addresses()-1)
	return bits.LeadingZeros64((first^last)<<16 | 0xffff)
}

// client returns the identity of a client.
func (o *options) client(i int) pppoe.GroupClient {
	c := pppoe.GroupClient{Addr: addr(number(o.base) + uint64(i)), User: fill(o.user, i), Password: fill(o.password, i)}
	if len(o.tags) > 0 {
		c.VLAN = o.tags[i%len(o.tags)]
	}
	return c
}

// fill replaces %d in a template.
func fill(template string, i int) string {
	if !strings.Contains(template, "%d") {
		return template
	}
	return fmt.Sprintf(template, i)
}

// openPorts opens the ports of all clients on an interface, and that of the flood, if there is one.
func (o *options) openPorts(name string) (ports pppoe.Ports, flood datapath.Port, err error) {
	a := afpacket.Attachment{Interface: name, Source: o.base, SourcePrefix: o.prefix()}
	if len(o.tags) == 0 {
		ports, err = afpacket.OpenPorts(a)
	} else {
		ports, err = afpacket.OpenTrunkQueues(afpacket.Trunk{Attachment: a, VLANs: vlan.Any()}, 1)
	}
	if err != nil || o.flood == "" {
		return ports, nil, err
	}
	if flood, err = o.openFlood(name); err != nil {
		ports.Close()
	}
	return ports, flood, err
}

func (o *options) parseTraffic() error {
	if o.traffic != "" {
		if _, err := fmt.Sscanf(o.traffic, "%g,%d", &o.packets.rate, &o.packets.size); err != nil || o.packets.rate <= 0 || o.packets.size < minPacket || o.packets.size > 1492 {
			return fmt.Errorf("--traffic %q: give PPS,SIZE, like 10000,200; SIZE is %d to 1492", o.traffic, minPacket)
		}
	}
	switch o.target {
	case "server":
		return nil
	case "peers":
		o.packets.peers = true
		return nil
	}
	if to, err := netip.ParseAddrPort(o.target); err == nil && to.Addr().Is4() {
		o.packets.to, o.packets.port = to.Addr(), to.Port()
		return nil
	}
	to, err := netip.ParseAddr(o.target)
	if err != nil || !to.Is4() {
		return fmt.Errorf("--target %q: give server, peers, or an IPv4 ADDRESS[:PORT]", o.target)
	}
	o.packets.to = to
	return nil
}
