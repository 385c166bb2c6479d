package radius

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"upppoe/pppoe"
)

// errRoute explains the text of routes.
var errRoute = errors.New(`want a route to hosts behind the peer, like "198.51.100.0/29 0.0.0.0 1" or "2001:db8:1::/48"`)

// parseRoute parses the text of Framed-Route (RFC 2865 section 5.22) or Framed-IPv6-Route (RFC 3162
// section 2.5): a prefix, then a gateway, then metrics. A gateway need not be given; as the peer is the
// only one on the link, it stands for the peer. A prefix without a length has that of its class.
// Metrics are ignored: a prefix is routed to one session at a time.
func parseRoute(text string) (netip.Prefix, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return netip.Prefix{}, errRoute
	}
	prefix, err := parsePrefix(fields[0])
	if err != nil || !pppoe.IsRoutable(prefix) {
		return netip.Prefix{}, errRoute
	}
	rest := fields[1:]
	if len(rest) > 0 {
		if gateway, err := netip.ParseAddr(rest[0]); err == nil {
			if gateway.Is4() != prefix.Addr().Is4() {
				return netip.Prefix{}, errRoute
			}
			rest = rest[1:]
		}
	}
	for _, metric := range rest {
		if _, err := strconv.ParseInt(metric, 10, 32); err != nil {
			return netip.Prefix{}, errRoute
		}
	}
	return prefix, nil
}

// parsePrefix parses a prefix, or an address, whose length is that of its class.
func parsePrefix(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Addr().Is4In6() {
			return netip.Prefix{}, errRoute
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil || a.Is4In6() || a.Zone() != "":
		return netip.Prefix{}, errRoute
	case a.Is6():
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.PrefixFrom(a, classLength(a.As4()[0])).Masked(), nil
}

// classLength returns the prefix length of the class of an address by its first octet.
func classLength(first byte) int {
	switch {
	case first < 128:
		return 8
	case first < 192:
		return 16
	}
	return 24
}
