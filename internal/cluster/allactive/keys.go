package allactive

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Keys, after the prefix of the cluster. Values are names of machines, unless said otherwise.
const (
	identityKey = "identity" // drawn when etcd was found empty
	layoutKey   = "layout"   // the length of blocks: type layout
	liveKey     = "live/"    // and a machine, while it is alive: type liveValue
	holdKey     = "hold/"    // and a machine, "/", its identity: the lease of its keys
	joinedKey   = "joined/"  // and the identity, "/", a machine: it has written which blocks it has
	blockKey    = "block/"   // and a prefix
	userKey     = "user/"    // and a user's name, "/", the number of one of its sessions
	addressKey  = "address/" // and an address or a prefix
	routeKey    = "route/"   // and a framed route, "/", its VRF
	askKey      = "ask/"     // and a machine, "/", a key that it has: type question
)

// blockOf returns the key of a block.
func blockOf(p netip.Prefix) string { return blockKey + p.String() }

func parseBlock(key string) (netip.Prefix, bool) {
	text, ok := strings.CutPrefix(key, blockKey)
	p, err := netip.ParsePrefix(text)
	return p, ok && err == nil
}

// userOf returns the key of one of the sessions of a user. The name is untrusted; of PPP, it has 255 octets at most.
func userOf(name string, number int) string {
	return userKey + url.PathEscape(name) + "/" + strconv.Itoa(number)
}

// fixedOf returns the key of an address or prefix that is not of a block.
func fixedOf(p netip.Prefix) string { return addressKey + p.Masked().String() }

// routeOf returns the key of a framed route in a VRF.
func routeOf(p netip.Prefix, vrf string) string {
	return routeKey + p.Masked().String() + "/" + url.PathEscape(vrf)
}

// isClaim reports whether a key is one that a session claims.
func isClaim(key string) bool {
	return strings.HasPrefix(key, userKey) || strings.HasPrefix(key, addressKey) || strings.HasPrefix(key, routeKey)
}
