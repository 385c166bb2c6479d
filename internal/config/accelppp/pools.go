package accelppp

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// server adds a name server to a list.
func server(key string) handler { return func(t *translation, v string) { t.addServer(key, v) } }

func (t *translation) addServer(key, v string) {
	list := t.c.Options.DNS
	switch key {
	case wins4:
		list = t.c.Options.WINS
	case v6dns:
		list = t.c.IPv6.DNS
	}
	texts := []string{}
	for _, a := range list {
		texts = append(texts, a.String())
	}
	t.set(key, append(texts, v))
}

// range4 translates a range of [ip-pool]: 192.0.2.10-73, 192.0.2.10-192.0.2.73 or 192.0.2.0/24, and
// perhaps ",name=POOL".
func range4(t *translation, e entry) {
	text, options, _ := strings.Cut(e.key, ",")
	if e.value != "" && options == "" {
		t.note("[ip-pool] %s has no counterpart", e.key)
		return
	}
	first, size, ok := addresses(text)
	switch {
	case !ok:
		t.note("[ip-pool] %s is not a range of addresses like 192.0.2.10-73", e.key)
	case t.pool || options != "":
		t.note("[ip-pool] %s: there is one pool, which is contiguous; accounts may have other addresses", text)
	default:
		t.pool = true
		t.set("ipv4.first-address", first.String())
		t.set("sessions.max", size)
	}
}

// addresses returns the first address of a range, and their number.
func addresses(text string) (first netip.Addr, size int, ok bool) {
	if p, err := netip.ParsePrefix(text); err == nil && p.Addr().Is4() && p.Bits() >= 10 && p.Bits() <= 30 {
		return p.Masked().Addr().Next(), 1<<(32-p.Bits()) - 2, true // without those of network and broadcast
	}
	low, high, _ := strings.Cut(text, "-")
	first, err := netip.ParseAddr(low)
	if err != nil || !first.Is4() {
		return first, 0, false
	}
	last, err := netip.ParseAddr(high)
	if n, bad := strconv.ParseUint(high, 10, 8); bad == nil {
		octets := first.As4()
		octets[3] = byte(n)
		last, err = netip.AddrFrom4(octets), nil
	}
	if err != nil || !last.Is4() || last.Less(first) {
		return first, 0, false
	}
	return first, int(asNumber(last)-asNumber(first)) + 1, true
}

func asNumber(a netip.Addr) uint32 {
	octets := a.As4()
	return binary.BigEndian.Uint32(octets[:])
}

// network6 translates PREFIX,LENGTH of [ipv6-pool].
func network6(t *translation, e entry) {
	_, length, _ := strings.Cut(e.key, ",")
	switch {
	case e.value != "":
		t.note("[ipv6-pool] %s has no counterpart", e.key)
	case length == "128":
		t.prefixPool("ipv6.addresses", "", e.key)
	case length != "64":
		t.note("[ipv6-pool] %s: a network that is advertised has a length of 64", e.key)
	default:
		t.prefixPool("ipv6.networks", "", e.key)
	}
}

// prefixPool translates PREFIX,LENGTH, with perhaps ",name=POOL".
func (t *translation) prefixPool(key, lengthKey, v string) {
	prefix, rest, _ := strings.Cut(v, ",")
	length, options, _ := strings.Cut(rest, ",")
	has := map[string]netip.Prefix{"ipv6.networks": t.c.IPv6.Networks, "ipv6.addresses": t.c.IPv6.Addresses, "ipv6.delegated-prefixes": t.c.IPv6.Delegated}[key]
	if has.IsValid() || options != "" {
		t.note("[ipv6-pool] %s: there is one pool of a kind", v)
		return
	}
	t.set(key, prefix)
	if lengthKey != "" {
		t.setNumber(lengthKey, length)
	}
}

func dns6(t *translation, e entry) {
	if e.value != "" {
		t.note("[ipv6-dns] %s: search lists are not advertised", e.key)
		return
	}
	t.addServer(v6dns, e.key)
}
