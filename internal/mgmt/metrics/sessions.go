package metrics

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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

// sessionLabels identify a session.
var sessionLabels = []string{"user", "mac", "ip", "interface", "session_id", "circuit_id"}

func describeSession(name, help string, labels ...string) *prometheus.Desc {
	return describe("session_"+name, help, append(slices.Clone(sessionLabels), labels...)...)
}

var (
	sessionOctets  = describeSession("bytes_total", "Octets of a session's IP packets by direction.", "direction")
	sessionPackets = describeSession("packets_total", "IP packets of a session by direction.", "direction")
	sessionDrops   = describeSession("dropped_packets_total", "IP packets of a session that were dropped.")
	sessionUptime  = describeSession("uptime_seconds", "Time since packets first flowed.")
	sessionRTT     = describeSession("echo_round_trip_seconds", "Round-trip time of the last LCP echo, if there was one.")
)

// sessionCollector is a prometheus.Collector of single sessions.
type sessionCollector struct {
	source   Source
	selected selection
}

// Describe sends the descriptions of all metrics.
func (c *sessionCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{sessionOctets, sessionPackets, sessionDrops, sessionUptime, sessionRTT} {
		to <- d
	}
}

// Collect reads the sessions.
func (c *sessionCollector) Collect(to chan<- prometheus.Metric) {
	m := metricSink{to}
	for s := range c.source.Sessions() {
		if c.selected.includes(&s) {
			m.session(&s)
		}
	}
}

func (m metricSink) session(s *pppoe.SessionStatus) {
	labels := labelsOf(s)
	with := func(direction string) []string { return append(slices.Clip(labels), direction) }
	m.counter(sessionOctets, s.Counters.ReceivedBytes, with("received")...)
	m.counter(sessionOctets, s.Counters.SentBytes, with("sent")...)
	m.counter(sessionPackets, s.Counters.ReceivedPackets, with("received")...)
	m.counter(sessionPackets, s.Counters.SentPackets, with("sent")...)
	m.counter(sessionDrops, s.Counters.Dropped, labels...)
	if !s.Opened.IsZero() {
		m.gauge(sessionUptime, time.Since(s.Opened).Seconds(), labels...)
	}
	if s.RoundTrip > 0 {
		m.gauge(sessionRTT, s.RoundTrip.Seconds(), labels...)
	}
}

// labelsOf returns the values of sessionLabels. What a peer has chosen is valid UTF-8 in them.
func labelsOf(s *pppoe.SessionStatus) []string {
	ip, circuit := "", ""
	if s.IPv4.Remote.IsValid() {
		ip = s.IPv4.Remote.String()
	}
	if s.AccessLine != nil {
		circuit = string(s.AccessLine.CircuitID)
	}
	return []string{valid(s.User), s.Peer.String(), ip, s.Interface, strconv.Itoa(int(s.SessionID)), valid(circuit)}
}

func valid(text string) string { return strings.ToValidUTF8(text, "�") }
