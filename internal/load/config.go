package load

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Config is what a Generator does. AddFlags sets the defaults.
type Config struct {
	Interface  string
	Sessions   int
	Rate       float64 // dials started per second; 0: as InProgress allows
	InProgress int     // dials, and closes, in progress at most
	MAC        string  // of the first client; the others count up
	VLANs      string  // vlan.ParseList; the clients take them in turn
	// Templates, in which %d is the number of the client.
	User, Password, CircuitID, RemoteID string
	Service, ACName                     string
	NoIPv6                              bool
	Prefix                              bool // request a prefix by DHCPv6
	Timeout                             time.Duration
	Hold                                time.Duration
	Churn                               string // sessions ended and dialled again per second, or a share like 2%
	Echo                                time.Duration
	Traffic                             string // PPS,SIZE
	Target                              string
	Newcomers                           time.Duration
	Flood                               string
	FloodRate                           float64
	FloodFrom                           string

	base    wire.Addr // of the first client
	tags    []vlan.Stack
	packets traffic
	churn   float64 // sessions per second
}

// AddFlags adds the flags of the fields, with their defaults.
func (c *Config) AddFlags(f *pflag.FlagSet) {
	f.StringVarP(&c.Interface, "interface", "I", "", "Ethernet `INTERFACE` of the clients")
	f.IntVarP(&c.Sessions, "sessions", "n", 1000, "number of clients, each with a session")
	f.Float64Var(&c.Rate, "rate", 0, "dials started per second (default: as fast as --in-progress allows)")
	f.IntVar(&c.InProgress, "in-progress", 256, "maximum number of dials, and of closes, in progress")
	f.StringVar(&c.MAC, "mac", "02:4c:00:00:00:00", "Ethernet `ADDRESS` of the first client; the others count up from it")
	f.StringVar(&c.VLANs, "vlan", "", "VLANs of the clients, in turn: a `LIST` like 100-199 or 10.1-4094")
	f.StringVar(&c.User, "user", "user%d", "`TEMPLATE` of user names: %d is the number of the client, from 0")
	f.StringVar(&c.Password, "password", "secret", "`TEMPLATE` of passwords")
	f.StringVar(&c.CircuitID, "circuit-id", "", "`TEMPLATE` of Agent Circuit IDs in PADI and PADR (TR-101), like 'olt1 eth 1/%d'")
	f.StringVar(&c.RemoteID, "remote-id", "", "`TEMPLATE` of Agent Remote IDs (TR-101)")
	f.StringVar(&c.Service, "service", "", "Service-Name to request")
	f.StringVar(&c.ACName, "ac", "", "AC-Name to accept (default: any)")
	f.BoolVar(&c.NoIPv6, "no-ipv6", false, "negotiate IPv4 only")
	f.BoolVar(&c.Prefix, "prefix", false, "request a delegated prefix by DHCPv6 in each session")
	f.DurationVar(&c.Timeout, "timeout", 3*time.Minute, "how long to wait until all sessions are open")
	c.addHoldFlags(f)
}

// addHoldFlags adds the flags of what happens while the sessions are held.
func (c *Config) addHoldFlags(f *pflag.FlagSet) {
	f.DurationVar(&c.Hold, "hold", 0, "how long to hold the sessions once all are open")
	f.StringVar(&c.Churn, "churn", "0", "`N`: sessions ended and dialled again per second during --hold; N%: a share of all")
	f.DurationVar(&c.Echo, "echo", 30*time.Second, "interval of LCP Echo-Requests; 0: none")
	f.StringVar(&c.Traffic, "traffic", "", "`PPS,SIZE`: packets per second, over all sessions, during --hold, and their length in octets")
	f.StringVar(&c.Target, "target", "server", "destination of --traffic: server (ICMP echo to the server's address), peers (UDP to the next client) or `ADDRESS[:PORT]` (ICMP echo, or UDP to an echo service)")
	f.DurationVar(&c.Newcomers, "newcomers", 0, "during --hold, dial one more client at this interval, and end it when packets flow (default: 1s with --flood)")
	f.StringVar(&c.Flood, "flood", "", "during --hold, flood the concentrator with frames of this `KIND`: padi, padr, padt, lcp, chap or echo")
	f.Float64Var(&c.FloodRate, "flood-rate", 100000, "frames of --flood per second")
	f.StringVar(&c.FloodFrom, "flood-from", "forged", "`SOURCE` of --flood: forged (random addresses and session IDs) or session (that of the first client)")
}

// maxSessions bounds the number of clients.
const maxSessions = 1 << 20

// Check checks the fields, of which the error names the flag. It must be called before New.
func (c *Config) Check() error {
	switch {
	case c.Interface == "":
		return errors.New("--interface is missing")
	case c.Sessions < 1 || c.Sessions > maxSessions:
		return fmt.Errorf("--sessions %d: give 1 to %d", c.Sessions, maxSessions)
	case c.Rate < 0:
		return errors.New("--rate must not be negative")
	case c.InProgress < 1:
		return fmt.Errorf("--in-progress %d: give at least 1", c.InProgress)
	case c.Hold < 0 || c.Timeout <= 0 || c.Echo < 0 || c.Newcomers < 0:
		return errors.New("--hold, --timeout, --echo and --newcomers must not be negative, nor --timeout 0")
	case c.Prefix && c.NoIPv6:
		return errors.New("--prefix needs IPv6: omit --no-ipv6")
	}
	if c.Flood != "" && c.Newcomers == 0 {
		c.Newcomers = time.Second
	}
	return errors.Join(c.checkTemplates(), c.parseAddresses(), c.parseChurn(), c.parseTraffic(), c.checkFlood())
}

func (c *Config) checkTemplates() error {
	for _, t := range []struct{ flag, template string }{
		{"--user", c.User}, {"--password", c.Password}, {"--circuit-id", c.CircuitID}, {"--remote-id", c.RemoteID},
	} {
		if n := strings.Count(t.template, "%"); n > 1 || n == 1 && !strings.Contains(t.template, "%d") {
			if t.flag == "--password" { // it is not for everybody's eyes
				return fmt.Errorf("%s: a template has at most one %%d, and no other %%", t.flag)
			}
			return fmt.Errorf("%s %q: a template has at most one %%d, and no other %%", t.flag, t.template)
		}
	}
	for _, id := range []struct{ flag, template string }{{"--circuit-id", c.CircuitID}, {"--remote-id", c.RemoteID}} {
		if longest := fill(id.template, c.Sessions+extraClients); len(longest) > maxLineID {
			return fmt.Errorf("%s %q has up to %d octets: an ID has at most %d (TR-101)", id.flag, id.template, len(longest), maxLineID)
		}
	}
	return nil
}

// maxLineID is the longest Agent Circuit ID and Agent Remote ID, in octets (RFC 4679).
const maxLineID = 63

// parseChurn parses a number or a share of the sessions.
func (c *Config) parseChurn() (err error) {
	text, isShare := strings.CutSuffix(c.Churn, "%")
	if c.churn, err = strconv.ParseFloat(text, 64); err != nil || !(c.churn >= 0 && c.churn <= maxSessions) {
		return fmt.Errorf("--churn %q: give sessions per second, like 20, or a share of all, like 2%%", c.Churn)
	}
	if isShare {
		c.churn *= float64(c.Sessions) / 100
	}
	return nil
}

func (c *Config) parseTraffic() error {
	if c.Traffic != "" {
		if _, err := fmt.Sscanf(c.Traffic, "%g,%d", &c.packets.rate, &c.packets.size); err != nil || c.packets.rate <= 0 || c.packets.size < minPacket || c.packets.size > 1492 {
			return fmt.Errorf("--traffic %q: give PPS,SIZE, like 10000,200; SIZE is %d to 1492", c.Traffic, minPacket)
		}
	}
	switch c.Target {
	case "server":
		return nil
	case "peers":
		c.packets.peers = true
		return nil
	}
	if to, err := netip.ParseAddrPort(c.Target); err == nil && to.Addr().Is4() {
		c.packets.to, c.packets.port = to.Addr(), to.Port()
		return nil
	}
	to, err := netip.ParseAddr(c.Target)
	if err != nil || !to.Is4() {
		return fmt.Errorf("--target %q: give server, peers, or an IPv4 ADDRESS[:PORT]", c.Target)
	}
	c.packets.to = to
	return nil
}
