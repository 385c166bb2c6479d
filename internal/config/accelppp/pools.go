package accelppp

import (
	"net/netip"
	"slices"
	"strings"

	"upppoe/pppoe"
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
// perhaps ",name=POOL" and ",next=POOL". A prefix is without its addresses of network and broadcast.
func range4(t *translation, e entry) {
	text := e.key
	if e.value != "" {
		text += "=" + e.value
	}
	parts := strings.Split(text, ",")
	r, err := pppoe.ParseAddressRange(parts[0])
	if p, bad := netip.ParsePrefix(parts[0]); bad == nil && p.Addr().Is4() && p.Bits() <= 30 {
		r, err = pppoe.ParseAddressRange(p.Masked().String())
		r.First, r.Last = r.First.Next(), r.Last.Prev()
	}
	if err != nil && len(parts) == 1 && e.value != "" {
		t.note("[ip-pool] %s has no counterpart", e.key)
		return
	}
	if err != nil {
		t.note("[ip-pool] %s is not a range of addresses like 192.0.2.10-73", parts[0])
		return
	}
	name, next := "", ""
	for _, option := range parts[1:] {
		switch key, value, _ := strings.Cut(option, "="); {
		case key == "name":
			name = value
		case key == "next":
			next = value
		case !strings.Contains(option, "="):
			name = option
		default:
			t.note("[ip-pool] %s has no counterpart", option)
		}
	}
	t.addRange(name, next, r)
}

// addRange adds a range to a pool.
func (t *translation) addRange(name, next string, r pppoe.AddressRange) {
	i := slices.IndexFunc(t.pools, func(p pppoe.AddressPool) bool { return p.Name == name })
	if i < 0 {
		i, t.pools = len(t.pools), append(t.pools, pppoe.AddressPool{Name: name})
	}
	t.pools[i].Ranges = append(t.pools[i].Ranges, r)
	if next != "" {
		t.pools[i].Next = next
	}
}

// unnamed is the name of the pool that has none, where first-address cannot stand for it.
const unnamed = "default"

// setPools sets the pools. One range without a name is that of first-address.
func (t *translation) setPools() {
	total := uint64(0)
	for _, p := range t.pools {
		total += p.Size()
		if p.Name == "" && len(t.pools) == 1 && len(p.Ranges) == 1 && p.Next == "" {
			t.set("ipv4.first-address", p.Ranges[0].First.String())
			t.set("sessions.max", int(total))
			return
		}
		if p.Name == "" {
			p.Name = unnamed
			if t.c.IPv4.Pool == "" {
				t.set("ipv4.pool", unnamed)
			}
		}
		t.c.Pools = append(t.c.Pools, p)
	}
	switch {
	case t.max != "":
		t.setNumber("sessions.max", t.max)
	case total > 0:
		t.set("sessions.max", int(min(total, pppoe.MaxSlots)))
	}
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
