package serverconfig

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"upppoe/internal/config/pppd"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// ipv4Address is an IPv4 address.
func ipv4Address(example string) kind[netip.Addr] {
	return asText("ADDRESS", fmt.Sprintf("an IPv4 address like %q", example), func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is4() {
			return a, errInvalid
		}
		return a, nil
	}, addrText)
}

// ipv6Address is an IPv6 address of a host.
func ipv6Address(example string) kind[netip.Addr] {
	return asText("ADDRESS", fmt.Sprintf("an IPv6 address like %q", example), func(s string) (netip.Addr, error) {
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is6() || a.Zone() != "" || !lifetime.IsHostPrefix(netip.PrefixFrom(a, 128)) {
			return a, errInvalid
		}
		return a, nil
	}, addrText)
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// ipv6Pool is a prefix whose parts are assigned.
func ipv6Pool(example string) kind[netip.Prefix] {
	return asText("PREFIX", fmt.Sprintf("an IPv6 prefix like %q", example), func(s string) (netip.Prefix, error) {
		p, err := netip.ParsePrefix(s)
		switch {
		case err != nil || !p.Addr().Is6() || p.Addr().Is4In6():
			return p, errInvalid
		case !lifetime.IsHostPrefix(p.Masked()):
			return p, errors.New("these are not addresses of hosts")
		}
		return p.Masked(), nil
	}, prefixText)
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// policyPrefix is a prefix, or an address, of either family.
var policyPrefix = asText("PREFIX", `a prefix like "198.51.100.0/29" or "2001:db8:1::/48", or an address`, func(s string) (netip.Prefix, error) {
	var list []netip.Prefix
	if pppd.AddPrefix(&list, s) != nil {
		return netip.Prefix{}, errInvalid
	}
	return list[0], nil
}, prefixText)

// rate is a rate in bits a second.
var rate = asText("RATE", `a rate in bits a second like "512k", "20M" or "1G"; "0" is no limit`, ParseRate, rateText)

// rateUnits are the units of rates, in bits a second.
var rateUnits = []struct {
	suffix string
	bits   float64
}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}}

// kilobit is the unit to which rates are exact, in bits.
const kilobit = 1000

// ParseRate parses a rate like 512k, 20M or 1G, or 0, and returns it in bits a second.
func ParseRate(s string) (uint64, error) {
	if s == "0" {
		return 0, nil
	}
	for _, u := range rateUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(digits, 64)
		bits := n * u.bits
		if err != nil || strings.ContainsAny(digits, "eExXiInN+-_") || bits < kilobit || bits > datapath.MaxRate {
			return 0, errInvalid
		}
		return (uint64(bits) + kilobit/2) / kilobit * kilobit, nil
	}
	return 0, errInvalid
}

func rateText(bits uint64) string {
	for _, u := range rateUnits {
		if unit := uint64(u.bits); bits > 0 && bits%unit == 0 {
			return strconv.FormatUint(bits/unit, 10) + u.suffix
		}
	}
	return strconv.FormatUint(bits, 10)
}

// scopes are the keys of a table of limits.
var scopes = []struct {
	name string
	of   func(*limit.Limits) *int
}{
	{"total", func(l *limit.Limits) *int { return &l.Total }},
	{"interface", func(l *limit.Limits) *int { return &l.Interface }},
	{"vlan", func(l *limit.Limits) *int { return &l.VLAN }},
	{"client", func(l *limit.Limits) *int { return &l.Client }},
}

// limitsKind is a table of limits for some of the scopes.
func limitsKind(names ...string) kind[limit.Limits] {
	want := fmt.Sprintf(`limits like { interface = 5000, vlan = 100 }, each a number from 1 to %d, or "none", for %s`, limit.Max, strings.Join(names, ", "))
	return kind[limit.Limits]{"{LIMITS}", want, func(v value) (l limit.Limits, err error) {
		t, ok := v.data.(*table)
		if !ok {
			return l, errInvalid
		}
		for _, name := range t.order {
			i := slices.IndexFunc(scopes, func(s struct {
				name string
				of   func(*limit.Limits) *int
			}) bool {
				return s.name == name && slices.Contains(names, name)
			})
			if i < 0 {
				return l, fmt.Errorf("there is no limit %q", name)
			}
			n, ok := limitOf(t.entries[name])
			if !ok {
				return l, fmt.Errorf("%s = %v is not valid", name, t.entries[name])
			}
			*scopes[i].of(&l) = n
		}
		return l, nil
	}, limitsText, false}
}

// limitOf returns a limit; -1 is none.
func limitOf(v value) (int, bool) {
	if v.data == "none" {
		return -1, true
	}
	n, ok := v.data.(int64)
	return int(n), ok && n >= 1 && n <= limit.Max
}

func limitsText(l limit.Limits) string {
	var items []string
	for _, s := range scopes {
		switch n := *s.of(&l); {
		case n < 0:
			items = append(items, s.name+` = "none"`)
		case n > 0:
			items = append(items, s.name+" = "+strconv.Itoa(n))
		}
	}
	if items == nil {
		return ""
	}
	return "{ " + strings.Join(items, ", ") + " }"
}

// macs are Ethernet addresses and prefixes of them, or those of files. given is whether the key is set:
// an empty list is not the same as none.
type macs struct {
	list  []wire.AddrPrefix
	given bool
}

var macList = kind[macs]{"[ADDRESS, ...]", `a list like ["02:00:5e:00:53:01", "02:00:5e"] of addresses, prefixes, and files of them like "@/etc/upppoe/macs"`,
	func(v value) (m macs, err error) {
		items, ok := v.data.([]value)
		if !ok {
			return m, errInvalid
		}
		for _, item := range items {
			s, _ := item.data.(string)
			prefixes, err := pppd.ParseAddrPrefixes(s)
			if err != nil {
				return m, err
			}
			m.list = append(m.list, prefixes...)
		}
		return macs{m.list, true}, nil
	},
	func(m macs) string {
		if !m.given {
			return ""
		}
		var items []string
		for _, p := range m.list {
			items = append(items, quote(p.String()))
		}
		return "[" + strings.Join(items, ", ") + "]"
	}, false}

// byAddress is the identifier that is derived from the client's Ethernet address.
const byAddress = "ethernet-address"

// identifier is an interface identifier of IPv6CP. derived: it is that of byAddress.
type identifier struct {
	ipv6cp.ID
	derived bool
}

func interfaceID(derived bool) kind[identifier] {
	want := `an interface identifier like "::1"`
	if derived {
		want += fmt.Sprintf(", or %q", byAddress)
	}
	return asText("ID", want, func(s string) (id identifier, err error) {
		if derived && s == byAddress {
			return identifier{derived: true}, nil
		}
		a, err := netip.ParseAddr(s)
		if err != nil || !a.Is6() || a.Zone() != "" || a.IsUnspecified() || binary.BigEndian.Uint64(a.AsSlice()) != 0 {
			return id, errInvalid
		}
		return identifier{ID: ipv6cp.ID(a.AsSlice()[8:])}, nil
	}, func(id identifier) string {
		switch {
		case id.derived:
			return byAddress
		case id.ID == ipv6cp.ID{}:
			return ""
		}
		var a [16]byte
		copy(a[8:], id.ID[:])
		return netip.AddrFrom16(a).String()
	})
}
