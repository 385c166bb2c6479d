package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"upppoe/internal/config/pppd"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/runner"
	"upppoe/internal/ipv6/server"
	"upppoe/pppoe"
)

// ipv6Flags are the unparsed values of the IPv6 flags.
type ipv6Flags struct {
	networks, addresses, prefixes string
	servers                       []string
}

func (f *ipv6Flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.networks, "ipv6-networks", "", "advertise a /64 of this prefix to each session, like 2001:db8:1::/48")
	set.StringVar(&f.addresses, "ipv6-addresses", "", "lease an address of this prefix to each session by DHCPv6")
	set.StringVar(&f.prefixes, "ipv6-prefixes", "", "delegate a prefix of `PREFIX,LENGTH` to each session by DHCPv6, like 2001:db8:100::/40,56")
	set.StringArrayVar(&f.servers, "ipv6-dns", nil, "IPv6 address of a name server for clients; may be repeated")
}

// ipv6Pools are the IPv6 pools and name servers for sessions. The zero value has none.
type ipv6Pools struct {
	networks, addresses, prefixes *assign.Pool
	bases                         []netip.Prefix // of the pools
	servers                       []netip.Addr
}

// assignConfig returns what sessions are assigned.
func (p *ipv6Pools) assignConfig(duid dhcp6.DUID) assign.Config {
	return assign.Config{Networks: p.networks, Addresses: p.addresses, Prefixes: p.prefixes, DUID: duid, NameServers: p.servers}
}

func (p *ipv6Pools) wanted() bool {
	return p.networks != nil || p.addresses != nil || p.prefixes != nil
}

// read parses the flags; its error names the flag.
func (p *ipv6Pools) read(f ipv6Flags) (err error) {
	if p.networks, err = p.pool("--ipv6-networks", f.networks, 64); err != nil {
		return err
	}
	if p.addresses, err = p.pool("--ipv6-addresses", f.addresses, 128); err != nil {
		return err
	}
	base, length, cut := strings.Cut(f.prefixes, ",")
	bits, bad := strconv.Atoi(length)
	if f.prefixes != "" && (!cut || bad != nil) {
		return &pppd.Error{Message: fmt.Sprintf("--ipv6-prefixes %q: give a prefix and the length of its parts, like 2001:db8:100::/40,56", f.prefixes)}
	}
	if p.prefixes, err = p.pool("--ipv6-prefixes", base, bits); err != nil {
		return err
	}
	for _, text := range f.servers {
		a, err := netip.ParseAddr(text)
		if err != nil || !lifetime.IsServerAddress(a) || a.Zone() != "" {
			return &pppd.Error{Message: fmt.Sprintf("--ipv6-dns %q: give an IPv6 address like 2001:db8::53", text)}
		}
		p.servers = append(p.servers, a)
	}
	return nil
}

// pool makes a pool of a flag's prefix; nil if the flag is not given.
func (p *ipv6Pools) pool(flag, text string, bits int) (*assign.Pool, error) {
	if text == "" {
		return nil, nil
	}
	base, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, &pppd.Error{Message: fmt.Sprintf("%s %q: give a prefix like 2001:db8:1::/48", flag, text)}
	}
	if base.Addr().Is6() && !lifetime.IsHostPrefix(base.Masked()) {
		return nil, &pppd.Error{Message: fmt.Sprintf("%s %q: not addresses of hosts: give a prefix like 2001:db8:1::/48", flag, text)}
	}
	made, err := assign.NewPool(base, bits)
	if err != nil {
		return nil, &pppd.Error{Message: fmt.Sprintf("%s: %v", flag, err)}
	}
	p.bases = append(p.bases, base.Masked())
	return made, nil
}

// ipv6Service runs router advertisements and DHCPv6 for sessions whose IPv6CP is open.
type ipv6Service struct {
	pools  ipv6Pools
	duid   dhcp6.DUID
	log    *slog.Logger
	runner *runner.Runner[pppoe.SessionKey]
	// setSourcePrefixes allows a session's peer the source addresses that it was assigned, with
	// source-check.
	setSourcePrefixes func(session pppoe.SessionKey, prefixes []netip.Prefix)

	mu sync.Mutex // held to call setSourcePrefixes, and to end its callers
}

// newIPv6 returns a service without sessions; nil if no IPv6 flag is given.
func newIPv6(f *flags, log *slog.Logger) *ipv6Service {
	if !f.ipv6.wanted() {
		return nil
	}
	return &ipv6Service{pools: f.ipv6, duid: loadDUID(f, log), log: log, runner: runner.New[pppoe.SessionKey]("", log)}
}

// loadDUID returns the server's DUID, which is stored; nil without DHCPv6.
func loadDUID(f *flags, log *slog.Logger) dhcp6.DUID {
	if f.ipv6.addresses == nil && f.ipv6.prefixes == nil {
		return nil
	}
	duid, err := dhcp6.LoadDUID(filepath.Join(f.etc, "pppoe-server-duid"), rand.Reader)
	if err != nil {
		log.Warn("the DHCPv6 DUID is not stored, so clients will not recognise this server after a restart: " + err.Error())
		duid, _ = dhcp6.NewDUID(rand.Reader)
	}
	return duid
}

// notify handles events of sessions.
func (v *ipv6Service) notify(l pppoe.SessionInfo, event pppoe.Event) {
	if v == nil {
		return
	}
	stop := func() { v.stop(l.Key()) }
	runner.HandleEvent(event, func(a pppoe.Addressing) { stop(); v.start(l, a) }, stop)
}

func (v *ipv6Service) start(l pppoe.SessionInfo, a pppoe.Addressing) {
	v.runner.Start(l.Key(), func(ctx context.Context) error {
		return server.Run(ctx, server.Config{
			Device: l.Device, Remote: a.IPv6.Remote.LinkLocal(), Key: subscriber(l), MTU: a.MTU, Log: v.log,
			Config: v.pools.assignConfig(v.duid),
			Notify: func(s assign.State) { v.assigned(ctx, l.Key(), s) },
		})
	})
}

// subscriber identifies who gets the same prefixes again.
func subscriber(l pppoe.SessionInfo) string {
	if l.User != "" {
		return l.User
	}
	return l.Peer.String()
}

// assigned handles a change of what a session's peer was assigned. It ignores a session that has ended.
func (v *ipv6Service) assigned(ctx context.Context, session pppoe.SessionKey, s assign.State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() == nil {
		v.setSourcePrefixes(session, []netip.Prefix{s.Network, s.Address, s.Delegated})
	}
}

func (v *ipv6Service) stop(session pppoe.SessionKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.runner.Stop(session, server.ErrLinkGone) { // not if Run has already ended
		v.setSourcePrefixes(session, nil)
	}
}

// wait waits until all sessions' runners have ended.
func (v *ipv6Service) wait() {
	if v != nil {
		v.runner.Wait()
	}
}
