package lifetime

import (
	"net/netip"
	"slices"
	"strings"
)

// IsHostAddress reports whether an address can be a host's on any network: it is IPv6, and global
// or unique local.
func IsHostAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && a.Zone() == "" && a.IsGlobalUnicast()
}

// IsHostPrefix reports whether a prefix can be that of hosts' addresses.
func IsHostPrefix(p netip.Prefix) bool { return p.IsValid() && p.Bits() > 0 && IsHostAddress(p.Addr()) }

// IsServerAddress reports whether an address can be a name server's. A link-local address has no
// zone here.
func IsServerAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && (a.IsGlobalUnicast() || a.IsLinkLocalUnicast())
}

// Bounds of a domain name and of each label, in octets (RFC 1035 section 2.3.4).
const (
	maxDomain = 253
	maxLabel  = 63
)

// IsDomainName reports whether a name is a host or domain name: nothing else may get into
// resolv.conf or into a script's environment. It may end with a dot.
func IsDomainName(name string) bool {
	if name == "" || len(name) > maxDomain || name[0] == '-' {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
	}
	return !slices.ContainsFunc([]byte(name), func(c byte) bool {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		return !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}
