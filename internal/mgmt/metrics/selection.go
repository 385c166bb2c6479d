package metrics

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// selection is which sessions are asked for. An empty field selects all.
type selection struct {
	user, iface string
	mac         wire.Addr
	ip          netip.Addr
}

// parseSelection reads a query. Its error names the parameter.
func parseSelection(query url.Values) (s selection, err error) {
	for name, values := range query {
		value := values[len(values)-1]
		switch name {
		case "user":
			s.user = value
		case "interface":
			s.iface = value
		case "mac":
			s.mac, err = wire.ParseAddr(value)
		case "ip":
			s.ip, err = netip.ParseAddr(value)
		default:
			err = errors.New("unknown parameter: give user, mac, ip or interface")
		}
		if err != nil {
			return s, fmt.Errorf("%s=%s: %w", wire.Escape(name), wire.Escape(value), err)
		}
	}
	return s, nil
}

func (s selection) includes(of *pppoe.SessionStatus) bool {
	return (s.user == "" || s.user == of.User) && (s.iface == "" || s.iface == of.Interface || s.iface == of.Ethernet) &&
		(s.mac == wire.Addr{} || s.mac == of.Peer) && (!s.ip.IsValid() || hasAddress(of, s.ip))
}

// hasAddress reports whether an address, or a prefix that contains it, is the session's.
func hasAddress(of *pppoe.SessionStatus, a netip.Addr) bool {
	return a == of.IPv4.Remote || slices.ContainsFunc(of.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}
