package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/config/secrets"
	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// probeTimeout is how long the doctor waits for answers to a PADI, of which it sends up to probeAttempts.
const (
	probeTimeout  = 2 * time.Second
	probeAttempts = 2
)

// checkConcentrators asks who answers, and on which VLANs if nobody does on the one that is configured.
func checkConcentrators(ctx context.Context, d *diagnosis, s *pppd.Settings) {
	const check = "concentrators"
	if d.verdictOf("interface") != good || d.verdictOf("rights") != good {
		d.add(check, skipped, "", "a usable interface and CAP_NET_RAW are needed")
		return
	}
	cfg, err := discoveryConfig(s)
	port := (*afpacket.Port)(nil)
	if err == nil {
		port, err = afpacket.Open(attachment(s), wire.EtherTypeDiscovery)
	}
	if err != nil {
		d.add(check, fault, "", "%v", err)
		return
	}
	cfg.Timeout, cfg.Attempts, cfg.MaxPayload = probeTimeout, probeAttempts, 0
	answered := false
	unmatched, err := pppoe.Probe(ctx, port, cfg, func(o discovery.Offer, after time.Duration) {
		answered = true
		d.add(check, good, "", "%s (%v) answered after %.1f ms on %v", wire.EscapeName(o.Name()), o.AC, after.Seconds()*1000, attachment(s))
	})
	switch {
	case err != nil:
		d.add(check, fault, "", "%v", err)
	case answered:
		return
	case len(unmatched) > 0:
		for _, u := range unmatched {
			text := searchOptions.Explain([]discovery.Unmatched{u}, "", "")[0]
			d.add(check, fault, "change or omit the option that excludes it", "%s", text)
		}
	default:
		checkVLANs(ctx, d, s)
	}
}

// checkVLANs searches the VLANs for a concentrator.
func checkVLANs(ctx context.Context, d *diagnosis, s *pppd.Settings) {
	d.add("concentrators", fault, "the VLAN below; if there is none: is it the interface to the modem, and is the line in service?",
		"no concentrator answers on %v", attachment(s))
	search, err := searchVLANs(ctx, s.Interface, attachment(s).VLAN)
	switch {
	case err != nil:
		d.add("vlans", skipped, "", "%v", err)
	case len(search.found) == 0:
		d.add("vlans", fault, fmt.Sprintf("with another outer tag: pppoe-discovery -I %s --vlan OUTER.1-4094", s.Interface), "%s", search.nobody())
	}
	for _, f := range search.found {
		d.add("vlans", warning, vlanOption(f.vlan), "%v answers", f)
	}
}

// checkLogin checks whether there is a name and a password, and who can read the files with it.
func checkLogin(_ context.Context, d *diagnosis, s *pppd.Settings) {
	const check = "login"
	var notices strings.Builder
	lines := pppdlog.NewHandler(false)
	lines.AddUnqueued(&notices)
	c, err := credentials(s, slog.New(lines))
	open := false
	for line := range strings.Lines(notices.String()) {
		open = true
		d.add(check, warning, "chmod 600 the file, or mend the line", "%s", strings.TrimSuffix(line, "\n"))
	}
	switch has := false; {
	case errors.Is(err, fs.ErrPermission):
		d.add(check, fault, "run it as root", "%v", err)
	case err != nil:
		d.add(check, fault, "", "%v", err)
	case c.Name == "":
		d.add(check, warning, "add user NAME and password-file FILE", "no user is given: a concentrator that requires authentication ends the session")
	default:
		if c.Secret != nil {
			_, has = c.Secret("")
		}
		if !has && !knownToSomePeer(s, c.Name) {
			d.add(check, fault, "add password-file FILE, or a line for it to "+filepath.Join(etc, "chap-secrets"), "there is no password for %s", wire.Quote(c.Name))
		} else if !open {
			d.add(check, good, "", "there is a password for %s, which others cannot read", wire.Quote(c.Name))
		}
	}
}

// knownToSomePeer reports whether a secrets file has a password for a name with some concentrator.
func knownToSomePeer(s *pppd.Settings, name string) bool {
	for given, usual := range map[string]string{s.CHAPSecrets: "chap-secrets", s.PAPSecrets: "pap-secrets"} {
		path := given
		if path == "" {
			path = filepath.Join(etc, usual)
		}
		if f, _, err := secrets.Load(path); err == nil && f.HasClient(name) {
			return true
		}
	}
	return false
}

// checkDNS checks where name servers come from.
func checkDNS(_ context.Context, d *diagnosis, s *pppd.Settings) {
	const check, file = "dns", "/etc/resolv.conf"
	servers, err := nameServers(file)
	switch {
	case s.UsePeerDNS && s.Resolv != "" && s.Resolv != "none":
		d.add(check, good, "", "the provider's name servers are used while online (usepeerdns, resolv %s)", s.Resolv)
	case err != nil && !os.IsNotExist(err):
		d.add(check, warning, "", "%v", err)
	case len(servers) == 0:
		d.add(check, warning, "add usepeerdns and resolv auto", "%s names no server", file)
	default:
		d.add(check, good, "", "%s names %s", file, strings.Join(servers, ", "))
	}
}

// maxNameServers is how many the C library uses (resolv.conf(5)).
const maxNameServers = 3

// nameServers returns the servers of a resolv.conf.
func nameServers(path string) (servers []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 1<<16))
	for lines.Scan() && len(servers) < maxNameServers {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "nameserver" {
			servers = append(servers, wire.EscapeText(words[1]))
		}
	}
	return servers, nil
}
