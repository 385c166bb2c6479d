package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/tun"
)

// Values of --device.
const (
	perSession   = "per-session"
	sharedDevice = "shared"
)

// deviceFlags are the unparsed values of the flags of network devices.
type deviceFlags struct {
	device, ipv6 string
	isolate      bool
}

func (f *deviceFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.device, "device", perSession, "network device of clients: per-session (ppp0, ppp1, and so on; default), or shared: one for all, for thousands of sessions, named pppoe0; shared:NAME gives it another name")
	set.BoolVar(&f.isolate, "isolate", false, "with --device shared, drop packets from one client to another")
	set.StringVar(&f.ipv6, "ipv6-local", "", "with --device shared, IPv6 address of the server, which ICMPv6 errors come from (default: one of another interface)")
}

// deviceMode is which network devices sessions have. The zero value is one for each.
type deviceMode struct {
	shared  bool
	name    string // of the shared device; empty: the default
	isolate bool
	ipv6    netip.Addr // invalid: the default
}

// read parses the flags; its error names the flag.
func (m *deviceMode) read(f deviceFlags) error {
	mode, name, named := strings.Cut(f.device, ":")
	switch {
	case mode == perSession && !named:
	case mode == sharedDevice && (name != "" || !named):
		m.shared, m.name = true, name
	default:
		return &pppd.Error{Message: fmt.Sprintf("--device %q: give per-session, shared, or shared:NAME", f.device)}
	}
	if err := tun.CheckName(m.name); errors.Is(err, tun.ErrName) {
		return &pppd.Error{Message: "--device shared: " + err.Error()}
	}
	if f.isolate && !m.shared {
		return &pppd.Error{Message: "--isolate: it needs --device shared; with a device for each session, drop packets between them by a firewall rule"}
	}
	m.isolate = f.isolate
	return m.readIPv6(f.ipv6)
}

func (m *deviceMode) readIPv6(text string) (err error) {
	if text == "" {
		return nil
	}
	if !m.shared {
		return &pppd.Error{Message: "--ipv6-local: it needs --device shared; a device of its own has the address of IPv6CP"}
	}
	m.ipv6, err = netip.ParseAddr(text)
	if err != nil || m.ipv6.Zone() != "" || !m.ipv6.Is6() || !lifetime.IsHostPrefix(netip.PrefixFrom(m.ipv6, 128)) {
		return &pppd.Error{Message: fmt.Sprintf("--ipv6-local %q: give an address like 2001:db8::1", text)}
	}
	return nil
}

// checkPools rejects a local address that clients could get.
func (m *deviceMode) checkPools(pools []netip.Prefix) error {
	for _, p := range pools {
		if m.ipv6.IsValid() && p.Contains(m.ipv6) {
			return &pppd.Error{Message: fmt.Sprintf("--ipv6-local %v: it is in %v, whose addresses clients get: give another one", m.ipv6, p)}
		}
	}
	return nil
}
