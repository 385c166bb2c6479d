package servercontrol

import (
	"fmt"
	"net/netip"
	"strings"

	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Filter selects sessions: those that match all fields that are set. In User, CircuitID and RemoteID, *
// stands for any text.
type Filter struct {
	ID        uint64 `json:"id,omitempty"`
	User      string `json:"user,omitempty"`
	MAC       string `json:"mac,omitempty"`        // an address or its first octets
	IP        string `json:"ip,omitempty"`         // an address of the session, in its prefixes or framed routes; or a prefix that has its address
	VLAN      string `json:"vlan,omitempty"`       // a list as for --vlan
	Interface string `json:"interface,omitempty"`  // with VLAN tags or without, or the network device
	CircuitID string `json:"circuit_id,omitempty"` // of the access line
	RemoteID  string `json:"remote_id,omitempty"`
	State     string `json:"state,omitempty"`

	AcctSessionID string `json:"acct_session_id,omitempty"` // of RADIUS, in either case
}

// IsEmpty reports whether the filter selects all sessions.
func (f Filter) IsEmpty() bool { return f == Filter{} }

// matcher is a Filter whose fields are parsed.
type matcher struct {
	Filter
	mac   *wire.AddrSet
	ip    netip.Prefix
	vlans vlan.Set
	none  bool // no session matches
}

// matcher checks a filter. The error names the field.
func (p *Program) matcher(f Filter) (matcher, error) {
	m, err := f.parse()
	switch {
	case err != nil || f.AcctSessionID == "":
		return m, err
	case p.NAS == nil:
		return m, fmt.Errorf("acct-session-id %q: this server has no RADIUS servers; a user with such a name is selected by --user", f.AcctSessionID)
	}
	id, ok := p.NAS.GenerationOf(strings.ToLower(f.AcctSessionID))
	m.none = !ok || id == 0 || m.ID != 0 && m.ID != id // an ID of 0 would select all
	m.ID = id
	return m, nil
}

// parse parses the fields but AcctSessionID. The error names the field.
func (f Filter) parse() (m matcher, err error) {
	m.Filter = f
	if f.MAC != "" {
		prefix, err := wire.ParseAddrPrefix(strings.ReplaceAll(f.MAC, "-", ":"))
		if err != nil {
			return m, fmt.Errorf("mac %w", err)
		}
		m.mac = wire.NewAddrSet([]wire.AddrPrefix{prefix})
	}
	if f.IP != "" {
		if m.ip, err = parsePrefix(f.IP); err != nil {
			return m, fmt.Errorf("ip %q: give an address like 192.0.2.10 or a prefix like 192.0.2.0/24", f.IP)
		}
	}
	if f.VLAN != "" {
		if m.vlans, err = vlan.ParseSet(f.VLAN); err != nil {
			return m, fmt.Errorf("vlan %q: %w", f.VLAN, err)
		}
	}
	return m, nil
}

// parsePrefix parses a prefix or a single address.
func parsePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.WithZone(""), a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// matches reports whether a session is selected.
func (m *matcher) matches(s *pppoe.SessionStatus) bool {
	switch {
	case m.none,
		m.ID != 0 && m.ID != s.Generation,
		m.User != "" && !matchText(m.User, s.User),
		m.MAC != "" && !m.mac.Contains(s.Peer),
		m.IP != "" && !m.hasAddress(s),
		m.VLAN != "" && !m.hasVLAN(s.VLAN),
		m.Interface != "" && m.Interface != s.SessionInfo.Interface && m.Interface != s.Ethernet && m.Interface != s.Device,
		m.State != "" && m.State != stateOf(s.Phase):
		return false
	}
	return m.matchesLine(s.AccessLine)
}

// matchesLine reports whether an access line, nil if it is unknown, is selected.
func (m *matcher) matchesLine(a *wire.AccessLine) bool {
	if m.CircuitID == "" && m.RemoteID == "" {
		return true
	}
	return a != nil && (m.CircuitID == "" || matchText(m.CircuitID, a.CircuitID)) && (m.RemoteID == "" || matchText(m.RemoteID, a.RemoteID))
}

// matchText reports whether a text, as received or escaped, matches a pattern in which * stands for
// any text.
func matchText(pattern, text string) bool {
	return matchPattern(pattern, text) || matchPattern(pattern, wire.Escape(text))
}

func matchPattern(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return pattern == text
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return true
}

func (m *matcher) hasVLAN(tags string) bool {
	in := vlan.Stack{}
	if tags != "" {
		var err error
		if in, err = vlan.Parse(tags); err != nil {
			return false
		}
	}
	return m.vlans.Contains(in)
}

// hasAddress reports whether an address of a session is in the prefix, or the prefix in one of the
// session's.
func (m *matcher) hasAddress(s *pppoe.SessionStatus) bool {
	if s.HasIPv4() && m.ip.Contains(s.IPv4.Remote) || s.HasIPv6() && m.ip.Contains(s.IPv6.Remote.LinkLocal()) {
		return true
	}
	for _, p := range s.Prefixes {
		if p.IsValid() && p.Overlaps(m.ip) {
			return true
		}
	}
	for _, p := range s.Policy.FramedRoutes {
		if p.Overlaps(m.ip) {
			return true
		}
	}
	return false
}
