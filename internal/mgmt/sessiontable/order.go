package sessiontable

import (
	"cmp"
	"slices"
	"strings"

	"upppoe/internal/mgmt/servercontrol"
)

// Sort sorts sessions by a column: numbers with the largest first, texts by the alphabet, or in reverse.
// Sessions that are equal are sorted by ID.
func Sort(all []*servercontrol.Session, by *Column, reverse bool) {
	largestFirst := by.Right != reverse
	slices.SortFunc(all, func(a, b *servercontrol.Session) int {
		order := by.Compare(a, b)
		if largestFirst {
			order = -order
		}
		return cmp.Or(order, cmp.Compare(a.ID, b.ID))
	})
}

// Matches reports whether a text of the session contains part, in either case. An empty part matches all.
func Matches(s *servercontrol.Session, part string) bool {
	if part == "" {
		return true
	}
	part = strings.ToLower(part)
	for _, text := range []string{s.User, s.MAC, s.Attachment, s.VLAN, s.CircuitID, s.RemoteID, s.Device, s.State, s.Service} {
		if strings.Contains(strings.ToLower(text), part) {
			return true
		}
	}
	return s.IPv4 != nil && strings.Contains(s.IPv4.Remote, part) || slices.ContainsFunc(s.Prefixes, func(p string) bool { return strings.Contains(p, part) })
}
