// Package sessiontable is what a table of a server's sessions shows: its columns, and the units of its
// numbers.
package sessiontable

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/table"
	"upppoe/internal/mgmt/units"
)

// Column is a column of the table of sessions.
type Column struct {
	table.Column
	Name    string // for --sort and --columns
	Text    func(*servercontrol.Session) string
	Compare func(a, b *servercontrol.Session) int
}

// Columns are all columns, in the order of the table.
var Columns = []Column{
	{table.Column{Title: "ID", Right: true}, "id", func(s *servercontrol.Session) string { return fmt.Sprint(s.ID) }, by(func(s *servercontrol.Session) uint64 { return s.ID })},
	textColumn("USER", "user", 8, 0, func(s *servercontrol.Session) string { return s.User }),
	{table.Column{Title: "IP"}, "ip", peerAddress, compareAddress},
	textColumn("MAC", "mac", 0, 2, func(s *servercontrol.Session) string { return s.MAC }),
	textColumn("INTERFACE", "interface", 0, 5, func(s *servercontrol.Session) string { return s.Interface }),
	{table.Column{Title: "VLAN", Rank: 2}, "vlan", func(s *servercontrol.Session) string { return s.VLAN }, compareVLAN},
	textColumn("CIRCUIT-ID", "circuit-id", 10, 3, func(s *servercontrol.Session) string { return s.CircuitID }),
	{table.Column{Title: "UPTIME", Right: true}, "uptime", func(s *servercontrol.Session) string { return units.Uptime(s.Seconds) }, by(func(s *servercontrol.Session) float64 { return s.Seconds })},
	{table.Column{Title: "UP", Right: true, Rank: 1}, "up", func(s *servercontrol.Session) string { return units.ShortRate(s.BitsUp) }, by(func(s *servercontrol.Session) uint64 { return deref(s.BitsUp) })},
	{table.Column{Title: "DOWN", Right: true, Rank: 1}, "down", func(s *servercontrol.Session) string { return units.ShortRate(s.BitsDown) }, by(func(s *servercontrol.Session) uint64 { return deref(s.BitsDown) })},
	{table.Column{Title: "IN", Right: true, Rank: 6}, "in", func(s *servercontrol.Session) string { return units.Scaled(float64(s.Traffic.ReceivedBytes)) }, by(func(s *servercontrol.Session) uint64 { return s.Traffic.ReceivedBytes })},
	{table.Column{Title: "OUT", Right: true, Rank: 6}, "out", func(s *servercontrol.Session) string { return units.Scaled(float64(s.Traffic.SentBytes)) }, by(func(s *servercontrol.Session) uint64 { return s.Traffic.SentBytes })},
	{table.Column{Title: "RTT", Right: true, Rank: 4}, "rtt", func(s *servercontrol.Session) string { return strings.TrimSuffix(roundTrip(s), " ms") }, by(func(s *servercontrol.Session) float64 { return s.RoundTrip })},
	textColumn("STATE", "state", 0, 8, func(s *servercontrol.Session) string { return s.State }),
}

func by[K cmp.Ordered](key func(*servercontrol.Session) K) func(a, b *servercontrol.Session) int {
	return func(a, b *servercontrol.Session) int { return cmp.Compare(key(a), key(b)) }
}

// textColumn returns a column of a text that may be truncated to least; 0: it may not.
func textColumn(title, name string, least, rank int, text func(*servercontrol.Session) string) Column {
	return Column{table.Column{Title: title, Min: least, Rank: rank}, name, text, by(text)}
}

// Names returns the names of all columns.
func Names() (names []string) {
	for _, c := range Columns {
		names = append(names, c.Name)
	}
	return names
}

// Named returns a column; ok is false if there is none.
func Named(name string) (c Column, ok bool) {
	i := slices.IndexFunc(Columns, func(c Column) bool { return c.Name == strings.ToLower(name) })
	if i < 0 {
		return c, false
	}
	return Columns[i], true
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
