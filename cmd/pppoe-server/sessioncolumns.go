package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/table"
)

// sessionColumn is a column of the table of sessions.
type sessionColumn struct {
	table.Column
	name    string // for --sort and --columns
	text    func(*servercontrol.Session) string
	compare func(a, b *servercontrol.Session) int
}

// sessionColumns are all columns, in the order of the table.
var sessionColumns = []sessionColumn{
	{table.Column{Title: "ID", Right: true}, "id", func(s *servercontrol.Session) string { return fmt.Sprint(s.ID) }, by(func(s *servercontrol.Session) uint64 { return s.ID })},
	textColumn("USER", "user", 8, 0, func(s *servercontrol.Session) string { return s.User }),
	{table.Column{Title: "IP"}, "ip", peerAddress, compareAddress},
	textColumn("MAC", "mac", 0, 2, func(s *servercontrol.Session) string { return s.MAC }),
	textColumn("INTERFACE", "interface", 0, 5, func(s *servercontrol.Session) string { return s.Interface }),
	{table.Column{Title: "VLAN", Rank: 2}, "vlan", func(s *servercontrol.Session) string { return s.VLAN }, compareVLAN},
	textColumn("CIRCUIT-ID", "circuit-id", 10, 3, func(s *servercontrol.Session) string { return s.CircuitID }),
	{table.Column{Title: "UPTIME", Right: true}, "uptime", func(s *servercontrol.Session) string { return uptime(s.Seconds) }, by(func(s *servercontrol.Session) float64 { return s.Seconds })},
	{table.Column{Title: "UP", Right: true, Rank: 1}, "up", func(s *servercontrol.Session) string { return shortRate(s.BitsUp) }, by(func(s *servercontrol.Session) uint64 { return deref(s.BitsUp) })},
	{table.Column{Title: "DOWN", Right: true, Rank: 1}, "down", func(s *servercontrol.Session) string { return shortRate(s.BitsDown) }, by(func(s *servercontrol.Session) uint64 { return deref(s.BitsDown) })},
	{table.Column{Title: "IN", Right: true, Rank: 6}, "in", func(s *servercontrol.Session) string { return scaled(float64(s.Traffic.ReceivedBytes)) }, by(func(s *servercontrol.Session) uint64 { return s.Traffic.ReceivedBytes })},
	{table.Column{Title: "OUT", Right: true, Rank: 6}, "out", func(s *servercontrol.Session) string { return scaled(float64(s.Traffic.SentBytes)) }, by(func(s *servercontrol.Session) uint64 { return s.Traffic.SentBytes })},
	{table.Column{Title: "RTT", Right: true, Rank: 4}, "rtt", func(s *servercontrol.Session) string { return strings.TrimSuffix(roundTrip(s), " ms") }, by(func(s *servercontrol.Session) float64 { return s.RoundTrip })},
	textColumn("STATE", "state", 0, 8, func(s *servercontrol.Session) string { return s.State }),
}

func by[K cmp.Ordered](key func(*servercontrol.Session) K) func(a, b *servercontrol.Session) int {
	return func(a, b *servercontrol.Session) int { return cmp.Compare(key(a), key(b)) }
}

// textColumn returns a column of a text that may be truncated to least; 0: it may not.
func textColumn(title, name string, least, rank int, text func(*servercontrol.Session) string) sessionColumn {
	return sessionColumn{table.Column{Title: title, Min: least, Rank: rank}, name, text, by(text)}
}

// columnNames returns the names of all columns.
func columnNames() (names []string) {
	for _, c := range sessionColumns {
		names = append(names, c.name)
	}
	return names
}

// columnNamed returns a column; ok is false if there is none.
func columnNamed(name string) (c sessionColumn, ok bool) {
	i := slices.IndexFunc(sessionColumns, func(c sessionColumn) bool { return c.name == strings.ToLower(name) })
	if i < 0 {
		return c, false
	}
	return sessionColumns[i], true
}

// peerAddress returns the peer's IPv4 address, or else IPv6 address.
func peerAddress(s *servercontrol.Session) string {
	switch {
	case s.IPv4 != nil:
		return s.IPv4.Remote
	case len(s.Prefixes) > 0:
		return s.Prefixes[0]
	case s.IPv6 != nil:
		return s.IPv6.Remote
	}
	return ""
}

func compareAddress(a, b *servercontrol.Session) int {
	x, y := peerAddress(a), peerAddress(b)
	p, errX := netip.ParseAddr(x)
	q, errY := netip.ParseAddr(y)
	if errX != nil || errY != nil {
		return cmp.Compare(x, y)
	}
	return p.Compare(q)
}

// compareVLAN compares tags as numbers.
func compareVLAN(a, b *servercontrol.Session) int {
	return slices.CompareFunc(strings.Split(a.VLAN, "."), strings.Split(b.VLAN, "."), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}

func deref(n *uint64) uint64 {
	if n == nil {
		return 0
	}
	return *n
}

func roundTrip(s *servercontrol.Session) string {
	if s.RoundTrip == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", s.RoundTrip)
}

// uptime formats seconds as 1d02h, 2h03m, 3m04s or 5s.
func uptime(seconds float64) string {
	d := time.Duration(seconds) * time.Second
	days, hours, minutes := d/(24*time.Hour), d/time.Hour, d/time.Minute
	switch {
	case seconds <= 0:
		return ""
	case days > 0:
		return fmt.Sprintf("%dd%02dh", days, hours%24)
	case hours > 0:
		return fmt.Sprintf("%dh%02dm", hours, minutes%60)
	case minutes > 0:
		return fmt.Sprintf("%dm%02ds", minutes, int(d/time.Second)%60)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// size formats octets, and bitRate a rate in bit/s, by powers of 1000.
func size(octets uint64) string { return withUnit(scaled(float64(octets)), "B") }

func bitRate(bits *uint64) string { return withUnit(shortRate(bits), "bit/s") }

// shortRate formats a rate without its unit; empty: it was not measured.
func shortRate(bits *uint64) string {
	if bits == nil {
		return ""
	}
	return scaled(float64(*bits))
}

// withUnit puts a space and a unit after a number: 10k becomes 10 kB.
func withUnit(number, unit string) string {
	digits := strings.TrimRight(number, prefixes)
	if digits == "" {
		return ""
	}
	return digits + " " + number[len(digits):] + unit
}

// prefixes are those of SI, by powers of 1000.
const prefixes = "kMGTPE"

// scaled formats a number with two or three digits and a prefix: 999, 1.0k, 10k.
func scaled(n float64) string {
	i := 0
	for ; n >= 999.5 && i < len(prefixes); i++ {
		n /= 1000
	}
	switch prefix := prefixes[max(0, i-1):i]; {
	case i > 0 && n < 9.95:
		return fmt.Sprintf("%.1f%s", n, prefix)
	default:
		return fmt.Sprintf("%.0f%s", n, prefix)
	}
}
