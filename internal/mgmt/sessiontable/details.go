package sessiontable

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/units"
)

// Detail is something that is known of a session.
type Detail struct{ Name, Text string }

// WriteDetails writes a session as text.
func WriteDetails(w io.Writer, s *servercontrol.Session) {
	user := s.User
	if user == "" {
		user = "(not authenticated)"
	}
	fmt.Fprintf(w, "session %d: %s, %s\n", s.ID, user, s.State)
	for _, d := range Details(s) {
		fmt.Fprintf(w, "  %-11s %s\n", d.Name, d.Text)
	}
}

// Details returns all that is known of a session, except its ID, user and state.
func Details(s *servercontrol.Session) (all []Detail) {
	line := func(name, text string) {
		if text != "" {
			all = append(all, Detail{name, text})
		}
	}
	line("client", fmt.Sprintf("%s on %s, PPPoE session %d", s.MAC, s.Attachment, s.SessionID))
	line("service", s.Service)
	line("circuit ID", s.CircuitID)
	line("remote ID", s.RemoteID)
	line("relay", s.RelaySessionID)
	line("access line", accessLine(s.Access))
	if s.OnlineAt != nil {
		line("online", fmt.Sprintf("%s, since %s", units.Uptime(s.Seconds), s.OnlineAt.Format(time.DateTime)))
	}
	if s.IPv4 != nil {
		line("IPv4", fmt.Sprintf("%s, here %s", s.IPv4.Remote, s.IPv4.Local))
	}
	if s.IPv6 != nil {
		line("IPv6", fmt.Sprintf("%s, here %s", s.IPv6.Remote, s.IPv6.Local))
	}
	line("prefixes", strings.Join(s.Prefixes, ", "))
	line("routes", strings.Join(s.Routes, ", "))
	if s.Device != "" {
		line("device", fmt.Sprintf("%s, MTU %d", s.Device, s.MTU))
	}
	line("VRF", s.VRF)
	line("limits", rateLimits(s))
	line("filter", s.FilterID)
	line("RADIUS", prefixed("Acct-Session-Id ", s.AcctSessionID))
	if s.BitsUp != nil {
		line("rates now", fmt.Sprintf("up %s, down %s", units.BitRate(s.BitsUp), units.BitRate(s.BitsDown)))
	}
	t := s.Traffic
	line("traffic", fmt.Sprintf("in %d packets, %d octets; out %d, %d", t.ReceivedPackets, t.ReceivedBytes, t.SentPackets, t.SentBytes))
	if t.Dropped > 0 {
		line("dropped", fmt.Sprintf("%d packets: %d spoofed, %d over the rate, %d to other clients", t.Dropped, t.Spoofed, t.Exceeded, t.Isolated))
	}
	line("RTT", roundTrip(s))
	return all
}

// prefixed returns a text after a prefix; empty: there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// accessLine formats the attributes of the access line in the order of their names.
func accessLine(attributes map[string]uint32) string {
	var all []string
	for name, value := range attributes {
		all = append(all, fmt.Sprintf("%s %d", name, value))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// rateLimits formats the limits of the rates; empty: none.
func rateLimits(s *servercontrol.Session) string {
	var all []string
	for _, limit := range []struct {
		name string
		kbit uint64
	}{{"up", s.RateUp}, {"down", s.RateDown}} {
		if limit.kbit > 0 {
			bits := limit.kbit * 1000
			all = append(all, limit.name+" "+units.BitRate(&bits))
		}
	}
	return strings.Join(all, ", ")
}
